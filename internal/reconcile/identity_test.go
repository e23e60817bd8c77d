package reconcile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// What is looked up about a person who moved the issue, and what a look-up that
// is refused means for the decision.
func TestLookUpsOfAPerson(t *testing.T) {
	hidden := access.Actor{ID: "h1", DisplayName: "Hidden", Type: access.AccountPerson, Active: true}
	byTrait := func(w *world) { w.policy.Review.UserTrait = "jira" }
	byGroup := func(w *world) { w.policy.Review.ApproverGroups = []string{"approvers"} }
	listed := func(w *world) { w.policy.Review.Users = map[string]string{"h1": "hidden@example.com"} }
	refuse := func(call string) func(*world) {
		return func(w *world) { w.next(call, refused(access.Permanent)) }
	}
	for name, tc := range map[string]struct {
		who   access.Actor
		setUp []func(*world)
		want  plan.Refusal // "": decided
		calls map[string]int
	}{
		"an e-mail is enough":   {bob, nil, "", map[string]int{"IsUser": 0, "UsersByTrait": 0, "InGroups": 0}},
		"without an account":    {access.Actor{}, []func(*world){byTrait, byGroup}, plan.RefusedNoAuthor, map[string]int{"UsersByTrait": 0}},
		"hides the e-mail":      {hidden, nil, "", map[string]int{"IsUser": 1}},
		"is the requester":      {hidden, []func(*world){func(w *world) { w.tracker.users["h1"] = true }}, plan.RefusedRequester, nil},
		"search is refused":     {hidden, []func(*world){refuse("IsUser")}, plan.RefusedUnclear, nil},
		"refused, but listed":   {hidden, []func(*world){refuse("IsUser"), listed}, "", map[string]int{"IsUser": 1}},
		"search fails at first": {hidden, []func(*world){func(w *world) { w.next("IsUser", refused(access.Temporary)) }}, "", map[string]int{"IsUser": 2}},
		"requester's name is no e-mail, and finds many": {hidden, []func(*world){func(w *world) {
			w.cluster.requests[request].User, w.tracker.users["h1"] = "alice", true
		}}, plan.RefusedUnclear, nil},
		"the same, but listed": {hidden, []func(*world){listed, func(w *world) {
			w.cluster.requests[request].User, w.tracker.users["h1"] = "alice", true
		}}, "", map[string]int{"IsUser": 0}},

		"trait of the requester": {bob, []func(*world){byTrait, func(w *world) {
			w.cluster.traits["b1"] = []string{"alice@example.com"}
		}}, plan.RefusedRequester, nil},
		"trait of several, one the requester": {bob, []func(*world){byTrait, func(w *world) {
			w.cluster.traits["b1"] = []string{"carol@example.com", "alice@example.com"}
		}}, plan.RefusedRequester, nil},
		"trait of another": {bob, []func(*world){byTrait, func(w *world) {
			w.cluster.traits["b1"] = []string{"bob@example.com"}
		}}, "", map[string]int{"UsersByTrait": 1}},
		"trait is refused":             {bob, []func(*world){byTrait, refuse("UsersByTrait")}, plan.RefusedUnclear, nil},
		"trait is refused, but listed": {hidden, []func(*world){byTrait, listed, refuse("UsersByTrait")}, "", nil},
		"trait fails at first": {bob, []func(*world){byTrait, func(w *world) {
			w.next("UsersByTrait", refused(access.Temporary))
		}}, "", map[string]int{"UsersByTrait": 2}},

		"in a group":         {bob, []func(*world){byGroup, func(w *world) { w.tracker.groups["b1"] = true }}, "", nil},
		"in no group":        {bob, []func(*world){byGroup}, plan.RefusedNotApprover, nil},
		"groups are refused": {bob, []func(*world){byGroup, refuse("InGroups")}, plan.RefusedGroupsUnclear, nil},
		"groups fail at first": {bob, []func(*world){byGroup, func(w *world) {
			w.tracker.groups["b1"] = true
			w.next("InGroups", refused(access.Temporary))
		}}, "", map[string]int{"InGroups": 2}},
		"named, so no group counts": {bob, []func(*world){byGroup, func(w *world) {
			w.policy.Review.Approvers = []string{"b1"}
		}}, "", map[string]int{"InGroups": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				for _, setUp := range tc.setUp {
					setUp(w)
				}
				i := w.inStep()
				r := w.start()
				w.event(r)
				w.move(r, i, tc.who, approved)
				w.pass(time.Minute)
				if tc.want == "" {
					require.Equal(t, access.Approved, w.cluster.requests[request].State)
				} else {
					require.Equal(t, access.Pending, w.cluster.requests[request].State)
					require.InDelta(t, 1, w.metric("refusals_total", string(tc.want)), 0)
					require.Equal(t, []string{"move/1"}, w.keys(i))
					w.inSync(pending)
				}
				for call, n := range tc.calls {
					require.Equal(t, n, w.count(call), call)
				}
			})
		})
	}
}
