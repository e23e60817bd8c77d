package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

// Who the daemon talks to, and who may talk to it.

func TestSecurityRedirectsAreRefusedAndNoCredentialsFollow(t *testing.T) {
	var requests atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(elsewhere.Close) // after the parallel tests
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.jira.Inject(fakejira.Fault{Effect: fakejira.Redirect, Status: status, Body: elsewhere.URL})
			_, err := w.cluster.CreateRequest(alice, []string{"dba"}, "x", faketeleport.RequestOptions{})
			require.NoError(t, err)
			w.logged("redirects are refused")
			require.Zero(t, requests.Load())
		})
	}
}

// secureSite makes the world's Jira answer over TLS at a name that is reached
// through a proxy only, and gives the proxy.
func (w *world) secureSite(version uint16) (proxied *atomic.Pointer[http.Request]) {
	w.t.Helper()
	site := httptest.NewUnstartedServer(w.jira)
	site.TLS = &tls.Config{MaxVersion: version}
	site.StartTLS()
	w.t.Cleanup(site.Close)
	require.NoError(w.t, testworld.WritePEM(w.path("jira-ca.pem"), "CERTIFICATE", site.Certificate().Raw))
	proxied = &atomic.Pointer[http.Request]{}
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		proxied.Store(r)
		tunnel(rw, site.Listener.Addr().String())
	}))
	w.t.Cleanup(proxy.Close)
	w.env = append(w.env, "HTTPS_PROXY="+strings.Replace(proxy.URL, "//", "//proxyuser:"+hidden3+"@", 1))
	w.set("jira", "url", "https://example.com") // httptest's certificate is for it
	w.set("jira", "ca_file", w.path("jira-ca.pem"))
	return proxied
}

// tunnel answers a CONNECT with a connection to addr.
func tunnel(rw http.ResponseWriter, addr string) {
	to, err := net.Dial("tcp", addr)
	if err != nil {
		http.Error(rw, "away", http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	_, _ = from.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	go func() {
		_, _ = buffered.WriteTo(to)
		_ = to.Close()
	}()
	_, _ = bufio.NewReader(to).WriteTo(from)
}

func TestSecurityJiraIsReachedThroughTheProxyOfTheEnvironmentWithItsOwnCA(t *testing.T) {
	w := newWorld(t)
	proxied := w.secureSite(tls.VersionTLS13)
	w.start()
	w.pending()
	require.Equal(t, http.MethodConnect, proxied.Load().Method)
	require.Equal(t, "example.com:443", proxied.Load().Host)
	require.Empty(t, proxied.Load().Header.Get("Authorization"), "Jira's credentials are not the proxy's")
	require.NotContains(t, w.log.String(), hidden3)
}

func TestSecurityJiraWithoutATrustedCertificateIsRefused(t *testing.T) {
	w := newWorld(t)
	w.secureSite(tls.VersionTLS13)
	w.conf.Drop("jira", "ca_file")
	w.launch()
	w.logged("certificate signed by unknown authority", "jira.ca_file")
	require.Empty(t, w.jira.Calls())
}

func TestSecurityJiraWithOldTLSIsRefused(t *testing.T) {
	w := newWorld(t)
	w.secureSite(tls.VersionTLS11)
	w.launch()
	w.logged("side unreachable, will retry", "side=jira", "tls")
	require.Empty(t, w.jira.Calls())
}

func TestSecurityClientCertificatesAreDemandedWhereConfigured(t *testing.T) {
	w := newWorld(t)
	ca := w.path("client-ca.pem")
	require.NoError(t, testworld.WritePEM(ca, "CERTIFICATE", w.ca.Cert.Raw))
	w.set("http.tls", "verify_client_cert", true)
	w.set("http.tls", "client_ca_file", ca)
	w.start()
	deliver := func(certs ...tls.Certificate) error {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12, Certificates: certs}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(w.hookURL("/status"))
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	require.Error(t, deliver())
	elsewhere := t.TempDir()
	_, err := newAuthority(t).Issue(elsewhere)
	require.NoError(t, err)
	other, err := tls.LoadX509KeyPair(filepath.Join(elsewhere, "tls.crt"), filepath.Join(elsewhere, "tls.key"))
	require.NoError(t, err)
	require.Error(t, deliver(other))
}

// TestSecurityNoListenerButTheConfiguredOnes asks the kernel.
func TestSecurityNoListenerButTheConfiguredOnes(t *testing.T) {
	for name, polling := range map[string]bool{"with webhooks": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.polling = polling })
			w.start()
			want := []string{w.adminAddr}
			if !polling {
				want = append(want, w.hookAddr)
			}
			eventually(t, func(c *assert.CollectT) { require.ElementsMatch(c, want, listeners(c, w.daemon.Process().PID())) })
		})
	}
}

// listeners are the addresses at which a process listens for TCP.
func listeners(c require.TestingT, pid int) []string {
	sockets := map[string]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(c, err)
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "socket:[") {
			sockets[strings.Trim(target, "socket:[]")] = true
		}
	}
	var all []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		require.NoError(c, err)
		for line := range strings.Lines(string(text)) {
			const listening = "0A"
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == listening && sockets[f[9]] {
				all = append(all, address(c, f[1]))
			}
		}
	}
	return all
}

// address is one of the kernel's: the address in the host's byte order, in
// words of four bytes, and the port.
func address(c require.TestingT, text string) string {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	require.NoError(c, err)
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	require.NoError(c, err)
	return net.JoinHostPort(net.IP(raw).String(), strconv.FormatUint(n, 10))
}

func TestSecurityWebhooksNeedTLS12(t *testing.T) {
	w := newWorld(t)
	w.start()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", w.hookAddr, &tls.Config{RootCAs: w.ca.Pool(), MinVersion: version, MaxVersion: version})
		require.Equal(t, ok, err == nil, tls.VersionName(version))
		if err == nil {
			require.NoError(t, conn.Close())
		}
	}
}

func TestTeleportIsReachedThroughItsProxy(t *testing.T) {
	w := newWorld(t)
	proxy, err := faketeleport.ServeProxy(w.auth, freeAddr(t))
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	ca := filepath.Join(w.dir, "web-ca.pem")
	require.NoError(t, os.WriteFile(ca, w.cluster.WebCA(), 0o600))
	w.env = []string{"SSL_CERT_FILE=" + ca}
	w.set("teleport", "auth_server", proxy.Addr())
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
