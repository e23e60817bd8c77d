package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

const requester = "carol@example.com"

// TestCrashAtEveryCall kills the only replica before and after each call that
// it makes in a story with every kind of effect, and starts another. What calls
// there are is counted in a run without a crash, so that a new one can't escape.
func TestCrashAtEveryCall(t *testing.T) {
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		t.Run(flavour.String(), func(t *testing.T) {
			calls := crashStory(t, flavour, 0, false)
			require.Greater(t, calls, 60, "the story has become too short")
			for at := 1; at <= calls; at++ {
				for _, after := range []bool{false, true} {
					crashStory(t, flavour, at, after)
				}
			}
		})
	}
}

// crashStory runs the story with a crash at the given call, and returns how
// many calls the replica made that was to crash.
func crashStory(t *testing.T, flavour fakejira.Flavour, at int, after bool) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, flavour, func(o *fakejira.Options, _ *faketeleport.Config) {
			o.SearchLag = 20 * time.Second
			o.Projects[0].Workflow = fakejira.ServiceDeskWorkflow()
		})
		defer w.close()
		first := newBody()
		first.dieAt, first.after = at, after
		w.start("first", first)
		story := make(chan []string)
		go func() { story <- w.tellStory() }()
		var ids []string
		select {
		case ids = <-story:
		case <-first.died:
			w.start("second", newBody())
			ids = <-story
		}
		<-time.After(30 * time.Minute)
		synctest.Wait()
		for _, r := range w.replicas {
			r.halt()
		}
		faults := w.broken(ids, func(string) bool { return true })
		if len(faults) > 0 {
			t.Fatalf("crash at call %d (%s):\n%s\n%s", at, first.diedAt, strings.Join(faults, "\n"), w.logs.String())
		}
		calls = first.calls
	})
	return calls
}

// tellStory has people do one of everything, and returns the requests.
func (w *world) tellStory() []string {
	wait := func(d time.Duration) { <-time.After(d) }
	approvedInJira := w.request(requester, "deploy", faketeleport.RequestOptions{})
	wait(30 * time.Second)
	approvedInTeleport := w.request(requester, "debug", faketeleport.RequestOptions{})
	refused := w.request(requester, "no", faketeleport.RequestOptions{})
	expiring := w.request(requester, "later", faketeleport.RequestOptions{PendingTTL: 10 * time.Minute})
	wait(4 * time.Minute)
	w.drag(approvedInJira, "Approved", fakejira.BobID, "reason: go ahead")
	wait(time.Second)
	w.review("rita", approvedInTeleport, types.RequestState_APPROVED)
	w.drag(refused, "Approved", fakejira.CarolID, "")
	wait(4 * time.Minute)
	w.drag(refused, "Denied", fakejira.AliceID, "reason: not today")
	wait(20 * time.Minute)
	return []string{approvedInJira, approvedInTeleport, refused, expiring}
}

// drag moves the request's issue as a person, if it is there and may be moved.
func (w *world) drag(id, status, who, comment string) {
	issue := w.issue(id)
	if issue.Key == "" {
		return
	}
	if comment != "" {
		_, err := w.jira.AddComment(issue.Key, who, comment)
		require.NoError(w.t, err)
	}
	if err := w.jira.Drag(issue.Key, status, who); err != nil {
		fmt.Fprintf(&w.logs, "drag: %v\n", err)
	}
}
