package faketeleport_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func serveProxy(t *testing.T, s *faketeleport.Server) *faketeleport.Proxy {
	t.Helper()
	p, err := faketeleport.ServeProxy(s, "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestDialThroughProxy(t *testing.T) {
	c := newCluster(t, faketeleport.Config{ClusterName: "c.example.com"}, faketeleport.RoleAccessPlugin)
	p := serveProxy(t, serve(t, c))
	identity := filepath.Join(t.TempDir(), "identity")
	require.NoError(t, c.WriteIdentityFile(identity, bot, time.Hour))
	dynamic, err := client.NewDynamicIdentityFileCreds(identity)
	require.NoError(t, err)

	for name, cfg := range map[string]client.Config{
		"reverse tunnel with identity file": {
			Credentials: []client.Credentials{client.LoadIdentityFile(identity)},
		},
		"reverse tunnel with dynamic identity file": {
			Credentials: []client.Credentials{dynamic},
		},
		"straight to auth by protocol": {
			Credentials:                []client.Credentials{dynamic},
			ALPNSNIAuthDialClusterName: c.Name(),
			DialInBackground:           true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Addrs = []string{p.Addr()}
			cfg.InsecureAddressDiscovery = true
			clt, err := client.New(t.Context(), cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, clt.Close()) }()
			pong, err := clt.Ping(t.Context())
			require.NoError(t, err)
			require.Equal(t, "c.example.com", pong.ClusterName)
		})
	}
}

func TestProxyRefusesExpiredIdentity(t *testing.T) {
	c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	p := serveProxy(t, serve(t, c))
	creds, err := c.Credentials(bot, -time.Minute)
	require.NoError(t, err)
	_, err = client.New(t.Context(), client.Config{
		Addrs: []string{p.Addr()}, Credentials: []client.Credentials{creds},
		InsecureAddressDiscovery: true, DialTimeout: time.Second,
	})
	require.Error(t, err)
	require.Empty(t, c.Calls())
}

func TestProxyWebAPIHasACertificateOfTheWebCA(t *testing.T) {
	c := newCluster(t, faketeleport.Config{ClusterName: "c.example.com"})
	p := serveProxy(t, serve(t, c))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(c.WebCA()))
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer web.CloseIdleConnections()
	for _, path := range []string{"/webapi/find", "/webapi/ping"} {
		resp, err := web.Get("https://" + p.Addr() + path)
		require.NoError(t, err)
		var found webclient.PingResponse
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&found))
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "c.example.com", found.ClusterName)
		require.True(t, found.Proxy.TLSRoutingEnabled)
		require.Equal(t, p.Addr(), found.Proxy.SSH.PublicAddr)
	}
}
