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
	masked := hidden
	masked.Email = "mabel at example dot com"
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
		"an e-mail is enough": {bob, nil, "", map[string]int{"IsUser": 0, "UsersByTrait": 0, "InGroups": 0}},
		"without an account":  {access.Actor{}, []func(*world){byTrait, byGroup}, plan.RefusedNoAuthor, map[string]int{"UsersByTrait": 0}},
		"hides the e-mail":    {hidden, nil, "", map[string]int{"IsUser": 1}},
		"is the requester":    {hidden, []func(*world){func(w *world) { w.tracker.users["h1"] = true }}, plan.RefusedRequester, nil},
		"masks the e-mail":    {masked, nil, "", map[string]int{"IsUser": 1}},
		"masks the requester's": {masked, []func(*world){func(w *world) {
			w.cluster.requests[request].User = "mabel@example.com"
		}}, plan.RefusedUnclear, nil},
		"has the requester's account, by a look-up now": {bob, []func(*world){func(w *world) {
			w.tracker.accounts["alice@example.com"] = "b1"
		}}, plan.RefusedRequester, map[string]int{"RequesterAccount": 1}},
		"has the requester's account, by the record": {bob, []func(*world){func(w *world) {
			w.setRecord(func(rec *access.Record) { rec.RequesterAccount = "b1" })
		}}, plan.RefusedRequester, map[string]int{"RequesterAccount": 0}},
		"the requester's account can't be told":   {bob, []func(*world){refuse("RequesterAccount")}, plan.RefusedUnclear, nil},
		"can't be told, but the person is listed": {hidden, []func(*world){refuse("RequesterAccount"), listed}, "", nil},
		"search is refused":                       {hidden, []func(*world){refuse("IsUser")}, plan.RefusedUnclear, nil},
		"refused, but listed":                     {hidden, []func(*world){refuse("IsUser"), listed}, "", map[string]int{"IsUser": 1}},
		"search fails at first":                   {hidden, []func(*world){func(w *world) { w.next("IsUser", refused(access.Temporary)) }}, "", map[string]int{"IsUser": 2}},
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
				i := w.inStep()
				for _, setUp := range tc.setUp {
					setUp(w)
				}
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

// TestRequesterAccountIsKeptWithTheIssue: it is looked up when the issue is
// made, and a look-up that fails stops nothing.
func TestRequesterAccountIsKeptWithTheIssue(t *testing.T) {
	for name, tc := range map[string]struct {
		setUp func(w *world)
		want  string
		calls int
	}{
		"found":            {func(w *world) { w.tracker.accounts["alice@example.com"] = "a1" }, "a1", 1},
		"none":             {func(*world) {}, "", 1},
		"refused":          {func(w *world) { w.next("RequesterAccount", refused(access.Permanent)) }, "", 1},
		"Jira is busy":     {func(w *world) { w.next("RequesterAccount", refused(access.Limited)) }, "", 1},
		"nobody is banned": {func(w *world) { w.policy.Review.AllowSelfApproval = true }, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				tc.setUp(w)
				w.event(w.start())
				w.inSync(pending)
				require.Equal(t, tc.want, w.record().RequesterAccount)
				require.Equal(t, tc.calls, w.count("RequesterAccount"))
				require.Equal(t, 1, w.count("CreateIssue"))
			})
		})
	}
}
