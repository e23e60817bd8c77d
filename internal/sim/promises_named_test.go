package sim_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// inWorld runs a scene in a world with a search that lags, and checks the
// promises for the requests that it returns once all has come to rest.
func inWorld(t *testing.T, lag time.Duration, scene func(t *testing.T, w *world) []string) {
	t.Helper()
	inWorldOf(t, fakejira.BoardWorkflow(), lag, scene)
}

// inWorldOf is inWorld with another workflow.
func inWorldOf(t *testing.T, flow fakejira.Workflow, lag time.Duration, scene func(t *testing.T, w *world) []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakejira.Cloud, func(o *fakejira.Options, _ *faketeleport.Config) {
			o.SearchLag, o.Projects[0].Workflow = lag, flow
		})
		defer w.close()
		ids := scene(t, w)
		pass(15 * time.Minute)
		if faults := w.faultsOf(ids, func(string) bool { return true }); len(faults) > 0 {
			t.Fatalf("%s\n%s", strings.Join(faults, "\n"), w.logs.String())
		}
	})
}

func pass(d time.Duration) { <-time.After(d) }

// TestLostAnswers loses the answer of each kind of call once, after its effect,
// while searches lag by a minute. Gateways put pages of their own in its place.
func TestLostAnswers(t *testing.T) {
	jira := func(method, route string) func(*world) {
		return func(w *world) {
			w.jira.Inject(fakejira.Fault{Method: method, Route: route, Effect: fakejira.LoseAnswer, Times: 1})
		}
	}
	paged := func(route string, status int, page string) func(*world) {
		return func(w *world) {
			w.jira.Inject(fakejira.Fault{
				Method: http.MethodPost, Route: route, Effect: fakejira.Replace, Status: status, Body: page, Times: 1,
			})
		}
	}
	teleport := func(method string) func(*world) {
		return func(w *world) { w.cluster.Inject(faketeleport.LoseAnswer(method, 1)) }
	}
	for name, lose := range map[string]func(*world){
		"create":            jira(http.MethodPost, fakejira.RouteIssues),
		"comment":           jira(http.MethodPost, fakejira.RouteComments),
		"transition":        jira(http.MethodPost, fakejira.RouteTransitions),
		"read":              jira(http.MethodGet, fakejira.RouteIssue),
		"create, 503":       paged(fakejira.RouteIssues, 503, fakejira.LostPage),
		"create, 408":       paged(fakejira.RouteIssues, 408, ""),
		"create, 200 json":  paged(fakejira.RouteIssues, 200, fakejira.MaintenancePage),
		"comment, 503":      paged(fakejira.RouteComments, 503, fakejira.LostPage),
		"comment, 200 json": paged(fakejira.RouteComments, 200, fakejira.MaintenancePage),
		"transition, 200":   paged(fakejira.RouteTransitions, 200, fakejira.ProxyPage),
		"review":            teleport("SubmitAccessReview"),
		"record":            teleport("UpdatePluginData"),
	} {
		for _, deed := range []string{"made", "decided in jira", "decided in teleport"} {
			t.Run(name+" when "+deed, func(t *testing.T) {
				inWorld(t, time.Minute, func(_ *testing.T, w *world) []string {
					w.start("r0", newBody())
					pass(time.Second)
					if deed == "made" {
						lose(w)
					}
					id := w.request(requester, "x", faketeleport.RequestOptions{})
					pass(5 * time.Minute)
					switch deed {
					case "decided in jira":
						lose(w)
						w.drag(id, "Approved", fakejira.BobID, "reason: fine")
					case "decided in teleport":
						lose(w)
						w.review("rita", id, types.RequestState_DENIED)
					}
					return []string{id}
				})
			})
		}
	}
}

// TestOutageOfBothSides: both are away for an hour, in which people went on.
func TestOutageOfBothSides(t *testing.T) {
	for name, fault := range map[string]fakejira.Fault{
		"500":      {Effect: fakejira.Respond, Status: 500},
		"502 html": {Effect: fakejira.Respond, Status: 502, Body: fakejira.ProxyPage},
		"503":      {Effect: fakejira.Respond, Status: 503},
		"504":      {Effect: fakejira.Respond, Status: 504},
		"hanging":  {Effect: fakejira.Hang},
		"cut":      {Effect: fakejira.LoseRequest},
		"html 200": {Effect: fakejira.Respond, Status: 200, Body: fakejira.ProxyPage},
		"json 200": {Effect: fakejira.Respond, Status: 200, Body: fakejira.MaintenancePage},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 10*time.Second, func(t *testing.T, w *world) []string {
				w.start("r0", newBody())
				w.start("r1", newBody())
				outlives := faketeleport.RequestOptions{PendingTTL: 3 * time.Hour}
				old := w.request(requester, "x", outlives)
				pass(time.Minute)
				end := w.jira.Inject(fault)
				during := w.request(requester, "y", outlives)
				pass(10 * time.Minute)
				w.auth.Stop()
				late := w.request(requester, "z", outlives)
				w.drag(old, "Denied", fakejira.AliceID, "reason: no")
				pass(40 * time.Minute)
				require.NoError(t, w.auth.Start())
				pass(10 * time.Minute)
				end()
				return []string{old, during, late}
			})
		})
	}
}

// TestExpiredToken: the token ends; nothing is lost, and a new one is enough.
func TestExpiredToken(t *testing.T) {
	inWorld(t, 0, func(t *testing.T, w *world) []string {
		r := w.start("r0", newBody())
		pass(time.Minute)
		require.NoError(t, w.jira.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "second" }))
		id := w.request(requester, "x", faketeleport.RequestOptions{PendingTTL: 3 * time.Hour})
		pass(time.Hour)
		require.Empty(t, w.issues(id))
		require.ErrorContains(t, r.tracker.Load().Health(), "token")
		second := "second"
		w.token.Store(&second)
		pass(3 * time.Minute)
		require.Len(t, w.issues(id), 1)
		require.NoError(t, r.tracker.Load().Health())
		return []string{id}
	})
}

// TestDownForTwoDays: requests came, were decided on both sides, expired, and
// lost their records while no daemon ran.
func TestDownForTwoDays(t *testing.T) {
	inWorld(t, 10*time.Second, func(t *testing.T, w *world) []string {
		first := w.start("r0", newBody())
		deleted := w.request(requester, "vanished", faketeleport.RequestOptions{PendingTTL: 2 * time.Hour, AccessTTL: 3 * time.Hour})
		decided := w.request(requester, "decided", faketeleport.RequestOptions{PendingTTL: 60 * time.Hour, AccessTTL: 60 * time.Hour})
		moved := w.request(requester, "moved", faketeleport.RequestOptions{PendingTTL: 60 * time.Hour, AccessTTL: 60 * time.Hour})
		pass(time.Minute)
		first.retire()
		w.review("rita", decided, types.RequestState_DENIED)
		w.drag(moved, "Approved", fakejira.BobID, "reason: while you slept")
		pass(47 * time.Hour)
		require.Empty(t, w.cluster.PluginData(deleted), "the record is gone too")
		late := w.request(requester, "late", faketeleport.RequestOptions{})
		w.jira.SetLatency(300 * time.Millisecond) // All of them see the same before one acts.
		for _, name := range []string{"r1", "r2", "r3"} {
			w.start(name, newBody())
		}
		pass(10 * time.Minute)
		require.Equal(t, "Expired", w.issue(deleted).Status.Name)
		require.Equal(t, map[string]int{"resolution/expired": 1}, marks(w.issue(deleted)), "by one replica only")
		require.Equal(t, access.Approved, w.state(moved))
		return []string{deleted, decided, moved, late}
	})
}

// TestRecordWithoutIssue: the existing plugin left a record with a user and no
// issue. Its create had failed, or its answer was lost; then the issue carries
// the property and no label.
func TestRecordWithoutIssue(t *testing.T) {
	for _, made := range []bool{false, true} {
		t.Run(map[bool]string{false: "create failed", true: "answer was lost"}[made], func(t *testing.T) {
			inWorld(t, 30*time.Second, func(t *testing.T, w *world) []string {
				id := w.request(requester, "x", faketeleport.RequestOptions{})
				require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{"user": requester, "roles": "dba,editor"}))
				if made {
					_, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
						Project: "TAR", Summary: requester + " requested dba, editor",
						Properties: map[string]json.RawMessage{"teleportAccessRequestId": json.RawMessage(`"` + id + `"`)},
					})
					require.NoError(t, err)
				}
				w.start("r0", newBody())
				w.start("r1", newBody())
				pass(5 * time.Minute)
				require.Equal(t, w.issue(id).ID, w.cluster.PluginData(id)["jira"]["issue_id"])
				return []string{id}
			})
		})
	}
}

// TestForgedOriginIsNotAdopted: somebody puts the label and the property of a
// request whose create got lost on another request's issue, and removes that
// one's. The daemon must not take one issue for both.
func TestForgedOriginIsNotAdopted(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(map[bool]string{true: "by the same daemon", false: "by one that has just started"}[known], func(t *testing.T) {
			inWorld(t, 5*time.Second, func(t *testing.T, w *world) []string {
				first := w.start("r0", newBody())
				harmless := w.request(requester, "read only", faketeleport.RequestOptions{})
				pass(10 * time.Second)
				w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Effect: fakejira.LoseRequest, Times: 1})
				wanted := w.request(requester, "root", faketeleport.RequestOptions{})
				pass(time.Second)
				stolen := w.issue(harmless)
				require.NoError(t, w.jira.SetLabels(stolen.Key, fakejira.CarolID, []string{"teleport-" + wanted}))
				require.NoError(t, w.jira.SetProperty(stolen.Key, fakejira.CarolID, "teleportAccessRequestId", json.RawMessage(`"`+wanted+`"`)))
				if !known {
					first.retire()
					w.start("r1", newBody())
				}
				pass(5 * time.Minute)
				own := w.cluster.PluginData(wanted)["jira"]["issue_id"]
				require.NotEmpty(t, own)
				require.NotEqual(t, stolen.ID, own)
				require.NoError(t, w.jira.SetProperty(stolen.Key, fakejira.CarolID, "teleportAccessRequestId", json.RawMessage(`"`+harmless+`"`)))
				return []string{harmless, wanted}
			})
		})
	}
}

// TestClaimsAreAgedByTheObserversClock: a claim's own words about its end, by a
// clock that is minutes ahead or behind, count for nothing.
func TestClaimsAreAgedByTheObserversClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"behind": -10 * time.Minute, "ahead": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 0, func(t *testing.T, w *world) []string {
				first := w.start("r0", newBody())
				id := w.request(requester, "x", faketeleport.RequestOptions{})
				pass(time.Minute)
				first.retire()
				require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
					"claim": "somebody/else", "claim_until": strconv.FormatInt(time.Now().Add(30*time.Second+skew).Unix(), 10),
				}))
				w.review("rita", id, types.RequestState_DENIED)
				w.start("r1", newBody())
				pass(25 * time.Second)
				require.Equal(t, "Pending", w.issue(id).Status.Name, "the claim may be alive")
				pass(15 * time.Second)
				require.Equal(t, "Denied", w.issue(id).Status.Name, "no longer than a claim's life")
				return []string{id}
			})
		})
	}
}

// TestExpiryThatChanges: the record follows, so that an expiry is not taken for
// a removal.
func TestExpiryThatChanges(t *testing.T) {
	inWorld(t, 0, func(t *testing.T, w *world) []string {
		w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		pass(time.Minute)
		require.NoError(t, w.cluster.ExpireIn(id, 5*time.Second))
		pass(time.Minute)
		require.Contains(t, w.issue(id).Comments[0].Body, "has expired")
		return []string{id}
	})
}

// TestStoppedReplica: a replica is stopped in the midst of a create for longer
// than its claim lives; another takes over, and the first wakes up to find out.
func TestStoppedReplica(t *testing.T) {
	inWorld(t, 20*time.Second, func(t *testing.T, w *world) []string {
		b := newBody()
		w.start("r0", b)
		pass(time.Second)
		w.jira.SetLatency(2 * time.Second)
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		pass(100 * time.Millisecond)
		b.stopFor(3 * time.Minute)
		w.start("r1", newBody())
		pass(4 * time.Minute)
		require.Len(t, w.issues(id), 1)
		w.review("rita", id, types.RequestState_APPROVED)
		return []string{id}
	})
}

// TestNoCallPerSettledRequest: settled requests cost neither a resync nor a
// poll a call to Jira.
func TestNoCallPerSettledRequest(t *testing.T) {
	inWorld(t, 0, func(t *testing.T, w *world) []string {
		w.start("r0", newBody())
		var ids []string
		for range 20 {
			id := w.request(requester, "x", faketeleport.RequestOptions{})
			ids = append(ids, id)
			w.review("rita", id, types.RequestState_DENIED)
		}
		pass(5 * time.Minute)
		w.jira.ResetCalls()
		pass(30 * time.Minute)
		require.Zero(t, w.jira.Writes())
		require.Zero(t, w.jira.Count(http.MethodGet, fakejira.RouteIssue))
		return ids[:0] // Requests first seen settled may have no issue.
	})
}

// TestCallsOfOneLife counts the calls that a request costs from its making to
// a decision in Jira, with webhooks: five at most.
func TestCallsOfOneLife(t *testing.T) {
	inWorld(t, 10*time.Second, func(t *testing.T, w *world) []string {
		w.webhooks(nil)
		w.poll = 0
		w.start("r0", newBody())
		pass(10 * time.Second) // the start lists twice
		live := func() (string, []string) {
			w.jira.ResetCalls()
			id := w.request(requester, "x", faketeleport.RequestOptions{})
			pass(time.Minute)
			w.drag(id, "Approved", fakejira.BobID, "reason: fine")
			pass(time.Minute)
			require.Equal(t, access.Approved, w.state(id))
			var names []string
			for _, c := range w.jira.Calls() {
				names = append(names, c.Method+" "+c.Route)
			}
			return id, names
		}
		// The first finds out where new issues start, and whose account the
		// requester's is.
		first, calls := live()
		require.LessOrEqual(t, len(calls), 6, strings.Join(calls, "\n"))
		second, calls := live()
		require.LessOrEqual(t, len(calls), 4, strings.Join(calls, "\n"))
		return []string{first, second}
	})
}
