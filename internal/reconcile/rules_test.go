package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/reconcile"
)

// only are the rules that let nobody but these decide.
func only(approvers ...string) plan.ReviewRules {
	return plan.ReviewRules{Mode: access.ModeReview, Approvers: approvers}
}

func TestNewRulesTakeEffectAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		r.SetReview(only("carol@example.com"), false)
		w.move(r, i, bob, approved)
		w.inSync(pending)
		require.InDelta(t, 1, w.metric("refusals_total", string(plan.RefusedNotApprover)), 0)
		r.SetReview(only("bob@example.com"), false)
		w.move(r, i, bob, approved)
		w.pass(time.Minute)
		w.inSync(approved)
	})
}

// An approver is removed after the request was planned and before the decision
// is submitted.
func TestDecisionUnderWayIsPlannedAnewByNewRules(t *testing.T) {
	for name, tc := range map[string]struct {
		first, then plan.ReviewRules
		status      access.Status
	}{
		"removed": {only("bob@example.com"), only("carol@example.com"), pending},
		"added":   {only("carol@example.com"), only("bob@example.com"), approved},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.start()
				r.SetReview(tc.first, false)
				w.event(r)
				release := make(chan struct{})
				w.next("SwapRecord", hanging(release)) // the claim, after the plan
				w.move(r, i, bob, approved)
				require.Zero(t, w.count("Decide"))
				r.SetReview(tc.then, false)
				close(release)
				w.pass(time.Minute)
				w.inSync(tc.status)
				require.Equal(t, 1, w.log.count("decision submitted")+w.log.count("decision refused"))
			})
		})
	}
}

func TestHeldDecisionsWaitAndNothingElseDoes(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		r.SetReview(only("bob@example.com"), true)
		require.True(t, r.Held())
		require.InDelta(t, 1, w.metric("decisions_held", ""), 0)
		w.move(r, i, bob, approved)
		w.pass(10 * time.Minute)
		require.Zero(t, w.count("Decide"))
		require.Zero(t, w.log.count("decision refused"))
		require.Equal(t, access.Pending, w.cluster.requests[request].State)
		w.mu.Lock()
		w.cluster.requests[request].Reviews = []access.Review{{Author: "carol", State: access.Approved}}
		w.mu.Unlock()
		w.event(r)
		require.Equal(t, []string{"review/0"}, w.keys(i), "what happens in Teleport is shown")

		r.SetReview(only("bob@example.com"), false)
		w.pass(time.Minute)
		w.inSync(approved)
	})
}

func TestRulesAreShownByTheirDigest(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.startWith(reconcile.Options{ResyncInterval: 1000 * time.Hour})
		require.InDelta(t, 1, w.metric("rules_info", policy().Digest()), 0)
		changed := policy()
		changed.Review = only("bob@example.com")
		r.SetReview(changed.Review, false)
		synctest.Wait()
		require.InDelta(t, 0, w.metric("rules_info", policy().Digest()), 0)
		require.InDelta(t, 1, w.metric("rules_info", changed.Digest()), 0)
	})
}

func TestRecordHasTheDigestOfTheRulesThatDecided(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		r.SetReview(only("bob@example.com"), false)
		rules := policy()
		rules.Review = only("bob@example.com")
		w.move(r, i, alice, denied)
		require.Equal(t, rules.Digest(), w.record().RulesDigest, "of a refusal")
		require.Equal(t, 1, w.log.count("rules_digest="+rules.Digest()))

		r.SetReview(only("bob@example.com", "carol@example.com"), false)
		rules.Review = only("bob@example.com", "carol@example.com")
		w.pass(time.Minute)
		w.move(r, i, bob, approved)
		w.pass(time.Minute)
		require.Equal(t, rules.Digest(), w.record().RulesDigest, "of a decision")
		require.Equal(t, 1, w.log.count("rules_digest="+rules.Digest()))
		require.Zero(t, w.log.count("another replica"), "its own rules of before are no other replica's")
	})
}

func TestOtherRulesOfAnotherReplicaAreWarnedOfOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		w.pass(time.Second)
		other := func(digest string) {
			w.setRecord(func(rec *access.Record) { rec.RulesDigest = digest })
			w.event(r)
		}
		other("0123")
		require.Zero(t, w.log.count("another replica"), "the request is older than the rules in use")
		other(policy().Digest())
		w.cluster.requests[request].Created = time.Now()
		w.event(r)
		require.Zero(t, w.log.count("another replica"))
		for range 3 {
			other("0123")
		}
		require.Equal(t, 1, w.log.count("another replica decides by other rules"))
		require.InDelta(t, 1, w.metric("foreign_rules_total", ""), 0)
		other("4567")
		require.Equal(t, 2, w.log.count("another replica decides by other rules"))
		w.move(r, i, bob, approved)
		w.inSync(approved)
	})
}
