package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// An end whose note fails is told once and counted once, by whoever notes it.
func TestEndIsCountedOnceItIsNoted(t *testing.T) {
	for name, faults := range map[string][]fault{
		"works": nil, "answer is lost": {lost()}, "fails": {refused(access.Temporary)}, "fails, or maybe not": {unsent()},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.policy.Access.Track = true
				i := w.inStep()
				w.tracker.change(i, daemon, approved)
				req := w.cluster.requests[request]
				req.State, req.AccessExpires = access.Approved, time.Now().Add(time.Hour)
				w.setRecord(func(rec *access.Record) {
					rec.Resolution = access.Approved
					rec.AccessFrom, rec.AccessUntil = access.UnixTimeOf(time.Now()), access.UnixTimeOf(req.AccessExpires)
				})
				r := w.start()
				w.event(r)
				w.next("SwapRecord", fault{})
				w.next("SwapRecord", faults...)
				w.pass(time.Hour + time.Minute)
				synctest.Wait()
				require.Equal(t, []string{"access/ended"}, w.keys(i))
				require.Equal(t, access.EndExpired, w.record().Ended)
				require.InDelta(t, 1, w.metric("access_ended_total", "expired"), 0)
				require.Equal(t, 1, w.log.count("access ended"))
			})
		})
	}
}
