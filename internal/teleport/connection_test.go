package teleport_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/teleport"
)

func TestConnectsOverASocket(t *testing.T) {
	for name, configure := range map[string]func(*world){
		"with an identity file": func(*world) {},
		"with a key pair": func(w *world) {
			pair, err := w.cluster.WriteKeyPair(w.t.TempDir(), bot, time.Hour)
			require.NoError(w.t, err)
			w.cfg = teleport.Config{ClientKey: pair.Key, ClientCrt: pair.Cert, RootCAs: pair.RootCAs}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faketeleport.Config{ProxyPublicAddr: "teleport.example.com:443"})
			configure(w)
			_, deps := w.overSocket()

			clt, err := teleport.Connect(t.Context(), w.cfg, deps)
			require.NoError(t, err)
			t.Cleanup(clt.Close)
			user, expires := clt.Identity()
			require.Equal(t, bot, user)
			require.WithinDuration(t, time.Now().Add(time.Hour), expires, time.Minute)
			require.Equal(t, "https://teleport.example.com:443/web/requests/r1", clt.RequestURL("r1"))
			require.InDelta(t, float64(expires.Unix()), w.metric("teleport_jira_identity_expiry_timestamp_seconds"), 1)
		})
	}
}

func TestUnusableIdentityIsPermanent(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*world)
		says  string
	}{
		"missing": {
			func(w *world) { w.cfg.Identity += ".missing" },
			"no such file",
		},
		"expired": {
			func(w *world) {
				require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, -time.Minute))
			},
			`certificate of user "jira-bot" expired at 1999`,
		},
		"half-written": {
			func(w *world) { halve(w.t, w.cfg.Identity) },
			"it is no identity file, or not a whole one",
		},
		"empty": {
			func(w *world) { require.NoError(w.t, os.WriteFile(w.cfg.Identity, nil, 0o600)) },
			"it is no identity file, or not a whole one",
		},
		"incomplete key pair": {
			func(w *world) { w.cfg.Identity, w.cfg.ClientKey = "", "key.pem" },
			"client_crt",
		},
		"of a user that the cluster does not have": {
			func(w *world) {
				require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, "nobody", time.Hour))
			},
			"nobody",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, faketeleport.Config{})
				tc.spoil(w)
				_, err := teleport.Connect(t.Context(), w.cfg, w.deps())
				require.Equal(t, access.Permanent, access.ClassOf(err), "%v", err)
				require.ErrorContains(t, err, tc.says)
			})
		})
	}
}

// The alert that says why can get lost with the connection that the server
// closes, so that it takes another attempt, as the daemon makes.
func TestCertificateOfAnotherClusterIsPermanent(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	other, err := faketeleport.New(faketeleport.Config{})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	own, err := w.cluster.WriteKeyPair(t.TempDir(), bot, time.Hour)
	require.NoError(t, err)
	untrusted, err := other.WriteKeyPair(t.TempDir(), bot, time.Hour)
	require.NoError(t, err)
	_, deps := w.overSocket()
	w.cfg = teleport.Config{
		Addr: w.cfg.Addr, ClientKey: untrusted.Key, ClientCrt: untrusted.Cert, RootCAs: own.RootCAs,
	}
	attempt := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := teleport.Connect(ctx, w.cfg, deps)
		return err
	}

	err = attempt()
	for range 60 { // a busy machine loses many
		if access.ClassOf(err) == access.Permanent {
			break
		}
		err = attempt()
	}
	require.Equal(t, access.Permanent, access.ClassOf(err), "%v", err)
	require.ErrorContains(t, err, `the cluster refuses the certificate of user "jira-bot"`)
}

func TestUnreachableClusterIsTemporary(t *testing.T) {
	for name, away := range map[string]func(*world){
		"refuses connections": func(w *world) { w.server.Stop() },
		"is starting up":      func(w *world) { w.cluster.Inject(faketeleport.Unavailable("Ping", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, faketeleport.Config{})
				away(w)
				_, err := teleport.Connect(t.Context(), w.cfg, w.deps())
				require.Equal(t, access.Temporary, access.ClassOf(err), "%v", err)
			})
		})
	}
}

func TestServerThatIsTooOldIsNamed(t *testing.T) {
	w := newWorld(t, faketeleport.Config{Version: "12.4.32", ClusterName: "old.example.com"})
	_, err := teleport.Connect(t.Context(), w.cfg, w.deps())
	require.Equal(t, access.Permanent, access.ClassOf(err))
	require.ErrorContains(t, err, "cluster old.example.com runs Teleport 12.4.32, and 13.0.0 is the oldest version that works")
}

func TestClosedClientFails(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	clt.Close()
	clt.Close()
	_, err := clt.Request(t.Context(), "r1")
	require.ErrorContains(t, err, "closed")
}

func TestReviewModeIsLoggedOnce(t *testing.T) {
	w := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	clt := w.connect()
	_, err := clt.Preflight(t.Context())
	require.NoError(t, err)
	mode, reason := clt.ReviewMode()
	require.Equal(t, access.ModeState, mode)
	require.Contains(t, reason, "allow.review_requests")
	require.Equal(t, 1, w.log.count("review mode chosen"))
}

// halve leaves half of the file.
func halve(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Clean(path))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content[:len(content)/2], 0o600))
}

func TestReconnectsOverASocket(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	server, deps := w.overSocket()
	clt, err := teleport.Connect(t.Context(), w.cfg, deps)
	require.NoError(t, err)
	t.Cleanup(clt.Close)
	id := w.request("alice", faketeleport.RequestOptions{})

	server.Stop()
	_, err = clt.Request(t.Context(), id)
	require.Equal(t, access.Temporary, access.ClassOf(err), "%v", err)
	require.NoError(t, server.Start())
	require.Eventually(t, func() bool {
		_, err := clt.Request(t.Context(), id)
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
}

func TestClusterWithoutAProxyHasNoPages(t *testing.T) {
	clt := newWorld(t, faketeleport.Config{ClusterName: "example.com"}).connect()
	require.Empty(t, clt.RequestURL("r1"))
	require.Equal(t, "example.com", clt.ClusterName())
}
