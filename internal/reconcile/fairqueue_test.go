package reconcile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// queueOf makes a queue of which keys are taken by hand.
func queueOf(t *testing.T) (add func(id string, h hint), take func() string) {
	t.Helper()
	hints := newPendingHints()
	queue := newQueue(hints)
	t.Cleanup(queue.ShutDown)
	add = func(id string, h hint) {
		k := key{request: access.RequestID(id)}
		hints.put(k, pendingHint{hint: h})
		queue.Add(k)
	}
	take = func() string {
		k, _ := queue.Get()
		hints.take(k)
		queue.Done(k)
		return string(k.request)
	}
	return add, take
}

func TestOneRequestersFloodWaitsBehindItself(t *testing.T) {
	add, take := queueOf(t)
	for i := range 3000 {
		add(fmt.Sprint("flood", i), hint{urgency: creation, requester: "mallory"})
	}
	add("carol's", hint{urgency: creation, requester: "carol"})
	add("dave's", hint{urgency: creation, requester: "dave"})
	first := []string{take(), take(), take()}
	require.Equal(t, []string{"flood0", "carol's", "dave's"}, first)
	for i := 1; i < 3000; i++ {
		require.Equal(t, fmt.Sprint("flood", i), take(), "in the order that they came")
	}
}

func TestDecisionsGoBeforeCreationsBeforeHousekeeping(t *testing.T) {
	add, take := queueOf(t)
	for i := range 100 {
		add(fmt.Sprint("listed", i), hint{requester: "mallory"})
		add(fmt.Sprint("new", i), hint{urgency: creation, requester: "mallory"})
	}
	add("decided", hint{urgency: decision, requester: "mallory"})
	require.Equal(t, "decided", take())
	require.Equal(t, "new0", take())
	add("listed50", hint{urgency: decision})
	require.Equal(t, "listed50", take(), "what was queued already takes the better place")
	var listed, created int
	for range 50 {
		if id := take(); id[:3] == "new" {
			created++
		} else {
			listed++
		}
	}
	require.Positive(t, listed, "a flood does not stop the housekeeping")
	require.Greater(t, created, 5*listed)
}

// TestEachKeyIsTakenOnce: whatever is added, made more urgent and taken in
// whatever order, each key comes out once for each time it was queued.
func TestEachKeyIsTakenOnce(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		add, take := queueOf(t)
		queued, taken := map[string]bool{}, 0
		for range 2000 {
			if len(queued) > 0 && rng.IntN(3) == 0 {
				id := take()
				require.True(t, queued[id], id)
				delete(queued, id)
				taken++
				continue
			}
			id := fmt.Sprint(rng.IntN(60))
			add(id, hint{urgency: urgency(rng.IntN(int(urgencies))), requester: fmt.Sprint(rng.IntN(5))})
			queued[id] = true
		}
		for len(queued) > 0 {
			id := take()
			require.True(t, queued[id], id)
			delete(queued, id)
			taken++
		}
		require.Positive(t, taken)
	}
}

// TestWhatATriggerKnowsOfTheRequester: events and listings say whose request it
// is, and how soon it is due.
func TestWhatATriggerKnowsOfTheRequester(t *testing.T) {
	for name, c := range map[string]struct {
		event access.RequestEvent
		want  urgency
	}{
		"a new request": {access.RequestEvent{User: "carol"}, creation},
		"a review":      {access.RequestEvent{User: "carol", Decided: true}, decision},
		"a deleted one": {access.RequestEvent{}, housekeeping},
	} {
		t.Run(name, func(t *testing.T) {
			r := newIdle(t, prometheus.NewRegistry())
			c.event.ID = "r"
			r.OnRequest(c.event)
			got, requester := r.hints.rank(key{request: "r"})
			require.Equal(t, c.want, got)
			require.Equal(t, c.event.User, requester)
		})
	}
}
