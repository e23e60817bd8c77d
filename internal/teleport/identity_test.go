package teleport_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/teleport"
)

func TestRenewedIdentityIsTakenUpBeforeTheOldExpires(t *testing.T) {
	watched(t, func(w *world, clt *teleport.Client, r *recorder) {
		t := w.t
		_, first := clt.Identity()
		pass(20 * time.Minute)
		r.take()
		require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
		require.NoError(t, clt.ReloadIdentity(t.Context()))
		synctest.Wait()
		_, second := clt.Identity()
		require.Greater(t, second, first)
		require.Equal(t, []access.RequestID{""}, r.take(), "the stream was subscribed anew")
		require.InDelta(t, float64(second.Unix()), w.metric("teleport_jira_identity_expiry_timestamp_seconds"), 0)
		require.Equal(t, 1, w.cluster.Watchers(), "the old stream has ended")
	})
}

func TestRunPollsTheIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		w.cfg.RefreshIdentity, w.cfg.RefreshInterval = true, 5*time.Minute
		clt := w.connect()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- clt.Run(ctx) }()
		_, first := clt.Identity()

		pass(30 * time.Minute)
		require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
		pass(6 * time.Minute)
		synctest.Wait()
		_, second := clt.Identity()
		require.Greater(t, second, first)
		require.Equal(t, 1, w.log.count("identity renewed"))
		require.Zero(t, w.log.count("identity not renewed"))

		pass(2 * time.Hour)
		require.Positive(t, w.log.count("identity not renewed"), "an identity that nobody renews is reported")
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestRunWithoutRefreshLeavesTheIdentityAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		clt := w.connect()
		_, first := clt.Identity()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- clt.Run(ctx) }()
		pass(30 * time.Minute)
		require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
		pass(20 * time.Minute)
		_, second := clt.Identity()
		require.Equal(t, first, second)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestUnusableRenewalLeavesTheOldInUse(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"missing":      func(w *world) { require.NoError(w.t, os.Remove(w.cfg.Identity)) },
		"half-written": func(w *world) { halve(w.t, w.cfg.Identity) },
		"expired": func(w *world) {
			require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, -time.Minute))
		},
		"refused": func(w *world) {
			require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, "nobody", time.Hour))
		},
		"cluster away": func(w *world) {
			require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
			w.cluster.Inject(faketeleport.Unavailable("Ping", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, faketeleport.Config{})
				clt := w.connect()
				_, before := clt.Identity()
				pass(10 * time.Minute)
				spoil(w)
				require.Error(t, clt.ReloadIdentity(t.Context()))
				_, after := clt.Identity()
				require.Equal(t, before, after)
				id := w.request("alice", faketeleport.RequestOptions{})
				_, err := clt.Request(t.Context(), id)
				require.NoError(t, err)

				require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
				require.NoError(t, clt.ReloadIdentity(t.Context()), "the next good file is taken up")
				_, after = clt.Identity()
				require.Greater(t, after, before)
			})
		})
	}
}

func TestRenewalBreaksNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		clt := w.connect()
		id := w.request("alice", faketeleport.RequestOptions{})
		w.cluster.Inject(faketeleport.Fault{Method: "ListAccessRequests", Times: 1, Delay: 5 * time.Second})
		answer := make(chan error, 1)
		go func() {
			_, err := clt.Request(t.Context(), id)
			answer <- err
		}()
		synctest.Wait()
		pass(time.Second)
		require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
		require.NoError(t, clt.ReloadIdentity(t.Context()))
		require.NoError(t, <-answer)
	})
}

// TestExpiringIdentityIsLoggedBeforeItExpires: it is renewed by hand, and the
// daemon is deaf without it.
func TestExpiringIdentityIsLoggedBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		require.NoError(t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, 30*24*time.Hour))
		clt := w.connect()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- clt.Run(ctx) }()
		const soon, expired = "identity expires soon", "identity has expired"

		pass(26 * 24 * time.Hour)
		require.Zero(t, w.log.count(soon), "nothing to do yet")
		pass(2 * 24 * time.Hour)
		require.Equal(t, 1, w.log.count(soon))
		pass(30 * time.Hour)
		require.Equal(t, 2, w.log.count(soon), "said again when a day is left")
		pass(17 * time.Hour)
		require.Equal(t, 3, w.log.count(soon))
		require.Zero(t, w.log.count(expired))
		pass(3 * time.Hour)
		require.Equal(t, 1, w.log.count(expired))
		require.Contains(t, w.log.String(), "refresh_identity = true")
		cancel()
		require.NoError(t, <-ended)
	})
}
