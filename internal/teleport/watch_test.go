package teleport_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/teleport"
)

// recorder keeps the events that it received, in order; "" stands for
// OnSubscribed, and for OnSettled.
type recorder struct {
	mu     sync.Mutex
	events []access.RequestID
	back   bool
}

func (r *recorder) OnSubscribed(back bool) {
	r.OnRequest(access.RequestEvent{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = r.back || back
}

// wasBack reports whether a subscription came after the cluster was away.
func (r *recorder) wasBack() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.back
}

// OnMonitoringRules implements teleport.EventHandler.
func (r *recorder) OnMonitoringRules([]access.MonitoringRule) {}

func (r *recorder) OnSettled() { r.OnSubscribed(false) }

func (r *recorder) OnRequest(e access.RequestEvent) {
	id := e.ID
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, id)
}

// take returns the events since the last take.
func (r *recorder) take() []access.RequestID {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// watched runs fn in a bubble with a client that watches; Watch has to end
// when its context does.
func watched(t *testing.T, fn func(w *world, clt *teleport.Client, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		clt := w.connect()
		ctx, cancel := context.WithCancel(t.Context())
		r, ended := &recorder{}, make(chan error, 1)
		go func() { ended <- clt.Watch(ctx, r) }()
		synctest.Wait()
		require.Equal(t, []access.RequestID{""}, r.take())
		require.True(t, clt.Watching())
		require.InDelta(t, 1, w.metric("teleport_jira_watcher_connected"), 0)

		fn(w, clt, r)

		cancel()
		require.NoError(t, <-ended)
		require.False(t, clt.Watching())
		require.InDelta(t, 0, w.metric("teleport_jira_watcher_connected"), 0)
	})
}

func TestWatchReportsEveryChange(t *testing.T) {
	watched(t, func(w *world, _ *teleport.Client, r *recorder) {
		t := w.t
		id := w.request("alice", faketeleport.RequestOptions{})
		synctest.Wait()
		require.Equal(t, []access.RequestID{id}, r.take(), "made")
		require.NoError(t, w.cluster.Remove(string(id)))
		synctest.Wait()
		require.Equal(t, []access.RequestID{id}, r.take(), "removed")
	})
}

func TestWatchSubscribesAgainAfterEveryEnd(t *testing.T) {
	for name, interrupt := range map[string]func(w *world){
		"stream closed": func(w *world) { w.cluster.CloseWatchers() },
		"server restarted": func(w *world) {
			w.server.Stop()
			require.NoError(w.t, w.server.Start())
		},
		"server away for long": func(w *world) {
			w.server.Stop()
			pass(40 * time.Minute)
			require.NoError(w.t, w.server.Start())
		},
		"subscription refused for a while": func(w *world) {
			w.cluster.Inject(faketeleport.Unavailable("WatchEvents", 3))
			w.cluster.CloseWatchers()
		},
		"subscription never confirmed": func(w *world) {
			w.cluster.Inject(faketeleport.Fault{Method: "WatchEvents", At: faketeleport.AfterEffect, Hang: true, Times: 1})
			w.cluster.CloseWatchers()
		},
	} {
		t.Run(name, func(t *testing.T) {
			watched(t, func(w *world, clt *teleport.Client, r *recorder) {
				t := w.t
				interrupt(w)
				// Longer than any delay of the watcher and of gRPC.
				pass(2 * time.Minute)
				synctest.Wait()
				require.Equal(t, []access.RequestID{"", ""}, r.take(), "listed at once and when caches have caught up")
				require.True(t, clt.Watching())
				require.GreaterOrEqual(t, w.metric("teleport_jira_watcher_reconnects_total"), 1.0)
				id := w.request("alice", faketeleport.RequestOptions{})
				synctest.Wait()
				require.Equal(t, []access.RequestID{id}, r.take())
			})
		})
	}
}

func TestUnreachableServerIsTriedWithBackoffAndOneLogLine(t *testing.T) {
	watched(t, func(w *world, _ *teleport.Client, _ *recorder) {
		t := w.t
		w.server.Stop()
		pass(time.Hour)
		attempts := w.metric("teleport_jira_watcher_reconnects_total")
		require.Less(t, attempts, 3000.0, "delays grow")
		require.Greater(t, attempts, 700.0, "and to no more than 5 s: the cluster's return is noticed by then")
		require.InDelta(t, attempts, w.log.count("subscription to access requests ended")+
			w.log.count("no subscription to access requests yet"), 1)
		require.Less(t, w.log.count("level=WARN msg=\"no subscription to access requests yet"), 70, "a line a minute while nothing changes")
	})
}

// TestServerThatIsBackIsNoticedWithinSeconds: however long it was away.
func TestServerThatIsBackIsNoticedWithinSeconds(t *testing.T) {
	for _, away := range []time.Duration{10 * time.Second, 2 * time.Minute, 40 * time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			watched(t, func(w *world, clt *teleport.Client, _ *recorder) {
				w.server.Stop()
				pass(away)
				require.False(w.t, clt.Watching())
				require.NoError(w.t, w.server.Start())
				pass(5 * time.Second)
				require.True(w.t, clt.Watching())
			})
		})
	}
}

// TestServerThatHungIsNoticedWithinSeconds: an attempt that has no answer must not
// keep the next one waiting for long.
func TestServerThatHungIsNoticedWithinSeconds(t *testing.T) {
	for hung := time.Minute; hung < time.Minute+20*time.Second; hung += 2 * time.Second {
		t.Run(hung.String(), func(t *testing.T) {
			watched(t, func(w *world, clt *teleport.Client, r *recorder) {
				w.cluster.Inject(faketeleport.Fault{Method: "Ping", Hang: true})
				pass(hung)
				require.False(w.t, clt.Watching())
				w.cluster.ClearFaults()
				pass(pingTimeoutAndPause)
				require.True(w.t, clt.Watching())
				require.True(w.t, r.wasBack())
			})
		})
	}
}

// pingTimeoutAndPause is the longest that an attempt without an answer takes, and
// the longest pause after it.
const pingTimeoutAndPause = 5*time.Second + 3*time.Second

// TestNothingIsSentToAClusterThatDoesNotWork: each call would wait for its own
// time-out, and be logged by itself.
func TestNothingIsSentToAClusterThatDoesNotWork(t *testing.T) {
	watched(t, func(w *world, clt *teleport.Client, r *recorder) {
		t := w.t
		id := w.request("alice", faketeleport.RequestOptions{})
		w.server.Stop()
		pass(20 * time.Second)
		before := w.calls("get_request")
		start := time.Now()
		_, err := clt.Request(t.Context(), id)
		require.ErrorIs(t, err, access.ErrAway)
		require.Equal(t, access.Temporary, access.ClassOf(err))
		_, err = clt.Decide(t.Context(), access.Decision{RequestID: id, State: access.Approved})
		require.ErrorIs(t, err, access.ErrAway)
		var known *access.Error
		require.ErrorAs(t, err, &known)
		require.False(t, known.Ambiguous, "it was not sent")
		require.Zero(t, time.Since(start))
		require.Equal(t, before, w.calls("get_request"))
		require.False(t, r.wasBack())

		require.NoError(t, w.server.Start())
		pass(5 * time.Second)
		require.True(t, r.wasBack())
		_, err = clt.Request(t.Context(), id)
		require.NoError(t, err)
	})
}

// TestCallThatFindsNoClusterHasItAskedAtOnce: not only at the next sign of life.
func TestCallThatFindsNoClusterHasItAskedAtOnce(t *testing.T) {
	watched(t, func(w *world, clt *teleport.Client, r *recorder) {
		t := w.t
		id := w.request("alice", faketeleport.RequestOptions{})
		w.cluster.Inject(faketeleport.Unavailable("Ping", 1))
		w.cluster.Inject(faketeleport.Unavailable("GetAccessRequest", 1))
		w.cluster.Inject(faketeleport.Unavailable("ListAccessRequests", 1))
		_, err := clt.Request(t.Context(), id)
		require.Error(t, err)
		synctest.Wait()
		require.False(t, clt.Watching())
		pass(5 * time.Second)
		require.True(t, clt.Watching())
		require.True(t, r.wasBack())
	})
}

// TestClusterThatOnlyRefusesToSubscribeIsAsked: all other calls work.
func TestClusterThatOnlyRefusesToSubscribeIsAsked(t *testing.T) {
	watched(t, func(w *world, clt *teleport.Client, _ *recorder) {
		t := w.t
		id := w.request("alice", faketeleport.RequestOptions{})
		w.cluster.Inject(faketeleport.Unavailable("WatchEvents", 100))
		w.cluster.CloseWatchers()
		pass(20 * time.Second)
		require.False(t, clt.Watching())
		_, err := clt.Request(t.Context(), id)
		require.NoError(t, err)
		w.cluster.ClearFaults()
		pass(5 * time.Second)
		require.True(t, clt.Watching())
	})
}

// TestServerThatStopsAnsweringIsNoticed: behind a Proxy the stream of a dead
// Auth Service stays open, and nothing is heard of it until the client writes.
func TestServerThatStopsAnsweringIsNoticed(t *testing.T) {
	for name, fault := range map[string]faketeleport.Fault{
		"hangs":   {Method: "Ping", Hang: true, Times: 1},
		"is away": faketeleport.Unavailable("Ping", 1),
	} {
		t.Run(name, func(t *testing.T) {
			watched(t, func(w *world, clt *teleport.Client, r *recorder) {
				t := w.t
				w.cluster.Inject(fault)
				pass(15 * time.Second)
				require.True(t, clt.Watching(), "noticed and subscribed again")
				pass(5 * time.Second)
				synctest.Wait()
				require.Equal(t, []access.RequestID{"", ""}, r.take()[1:], "listed twice")
				require.InDelta(t, 1, w.log.count("subscription to access requests ended"), 0)
			})
		})
	}
}

func TestServerThatAnswersKeepsItsSubscription(t *testing.T) {
	watched(t, func(w *world, clt *teleport.Client, r *recorder) {
		pass(time.Hour)
		require.True(w.t, clt.Watching())
		require.Equal(w.t, []access.RequestID{""}, r.take(), "the second list")
		require.InDelta(w.t, 0, w.metric("teleport_jira_watcher_reconnects_total"), 0)
	})
}

func TestWatchFailsOnAClosedClient(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	clt.Close()
	require.ErrorContains(t, clt.Watch(t.Context(), &recorder{}), "closed")
}
