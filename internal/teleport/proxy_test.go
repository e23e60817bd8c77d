package teleport_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/teleport"
)

// behindProxy makes a Proxy in front of the cluster the address to connect to.
// Its web certificate is of a CA that the system does not know, and that
// ca_file names if trusted is set.
func (w *world) behindProxy(trusted bool) (*faketeleport.Proxy, teleport.Deps) {
	w.t.Helper()
	server, deps := w.overSocket()
	proxy, err := faketeleport.ServeProxy(server, "127.0.0.1:0")
	require.NoError(w.t, err)
	w.t.Cleanup(proxy.Close)
	w.cfg.Addr = proxy.Addr()
	if trusted {
		w.cfg.CAFile = filepath.Join(w.t.TempDir(), "web-ca.pem")
		require.NoError(w.t, os.WriteFile(w.cfg.CAFile, w.cluster.WebCA(), 0o600))
	}
	return proxy, deps
}

func TestProxyWithAPrivateCAIsTrustedByCAFile(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	_, deps := w.behindProxy(true)
	clt, err := teleport.Connect(t.Context(), w.cfg, deps)
	require.NoError(t, err)
	t.Cleanup(clt.Close)
	_, err = clt.Request(t.Context(), w.request("alice", faketeleport.RequestOptions{}))
	require.NoError(t, err)
}

// TestFailedConnectHasOneReasonAtOnce: the client tries an address in five ways
// for ten seconds and returns five errors.
func TestFailedConnectHasOneReasonAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*world) teleport.Deps
		class access.Class
		check string // the finding's name
		says  string
		fix   string
	}{
		"nobody listens": {
			func(w *world) teleport.Deps {
				server, deps := w.overSocket()
				server.Stop()
				return deps
			},
			access.Temporary, "address", "connection refused", "firewall",
		},
		"name that does not resolve": {
			func(w *world) teleport.Deps {
				_, deps := w.overSocket()
				w.cfg.Addr = "teleport.invalid:443"
				return deps
			},
			access.Temporary, "address", "lookup teleport.invalid", "DNS",
		},
		"web certificate of a CA that is not trusted": {
			func(w *world) teleport.Deps {
				_, deps := w.behindProxy(false)
				return deps
			},
			access.Temporary, "address", "certificate signed by unknown authority", "teleport.ca_file",
		},
		"ca_file that is missing": {
			func(w *world) teleport.Deps {
				_, deps := w.behindProxy(true)
				w.cfg.CAFile += ".missing"
				return deps
			},
			access.Permanent, "address", "teleport.ca_file: ", "",
		},
		"proxy under another name": {
			func(w *world) teleport.Deps {
				proxy, deps := w.behindProxy(true)
				proxy.SetName("teleport.example.com:443")
				return deps
			},
			access.Temporary, "address", `another name: "teleport.example.com:443"`, "public_addr",
		},
		"balancer's page": {
			func(w *world) teleport.Deps {
				_, deps := w.overSocket()
				page := httptest.NewTLSServer(http.NotFoundHandler())
				w.t.Cleanup(page.Close)
				w.trustServer(page)
				return deps
			},
			access.Temporary, "address", "status 404", "balancer",
		},
		"identity of another cluster, at the proxy": {
			func(w *world) teleport.Deps {
				_, deps := w.behindProxy(true)
				w.otherClustersIdentity()
				return deps
			},
			access.Permanent, "identity", "the cluster refuses the certificate", "new identity",
		},
		"identity of another cluster, at the auth service": {
			func(w *world) teleport.Deps {
				_, deps := w.overSocket()
				w.otherClustersIdentity()
				return deps
			},
			access.Permanent, "identity", "host CA was rotated", "new identity",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketeleport.Config{})
			deps := tc.spoil(w)
			start := time.Now()
			_, err := teleport.Connect(t.Context(), w.cfg, deps)
			require.Less(t, time.Since(start), 8*time.Second, "not after all ways have timed out")
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, tc.class, access.ClassOf(err), "%v", err)
			require.Less(t, len(err.Error()), 400, "one reason: %v", err)
			findings := teleport.Preflight(t.Context(), w.cfg, deps)
			requireSkipped(t, findings[1:])
			require.Equal(t, preflight.Failure, findings[0].Level)
			require.Equal(t, tc.check, findings[0].Name)
			require.Contains(t, findings[0].Fix, tc.fix)
		})
	}
}

// trustServer makes a web server with its own certificate the address.
func (w *world) trustServer(server *httptest.Server) {
	w.t.Helper()
	w.cfg.Addr = strings.TrimPrefix(server.URL, "https://")
	w.cfg.CAFile = filepath.Join(w.t.TempDir(), "ca.pem")
	require.NoError(w.t, os.WriteFile(w.cfg.CAFile, pemOf(server.Certificate().Raw), 0o600))
}

// otherClustersIdentity makes the identity another cluster's.
func (w *world) otherClustersIdentity() {
	w.t.Helper()
	other, err := faketeleport.New(faketeleport.Config{})
	require.NoError(w.t, err)
	w.t.Cleanup(other.Close)
	other.PutUser(faketeleport.User{Name: bot, Roles: []string{faketeleport.RolePluginReviewer}})
	require.NoError(w.t, other.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
