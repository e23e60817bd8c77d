package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// following are the options of a replica that follows access monitoring rules.
func following() reconcile.Options {
	return reconcile.Options{MonitoringRules: true, ResyncInterval: 1000 * time.Hour}
}

func toOPS(condition string) []access.MonitoringRule {
	return []access.MonitoringRule{{Name: "ops", Condition: condition, Notification: "jira", Recipients: []string{"OPS"}}}
}

// project is the project of the request's issue; "" while there is none.
func (w *world) project() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tracker.issues) == 0 {
		return ""
	}
	return w.tracker.issues[0].Project
}

func TestIssueWaitsForTheRules(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.startWith(following())
		w.event(r)
		w.pass(time.Hour)
		require.Empty(t, w.project(), "nobody has subscribed yet")
		r.OnMonitoringRules(toOPS("true"))
		r.OnSubscribed(false)
		w.pass(5 * time.Second)
		require.Equal(t, "OPS", w.project())
		require.Equal(t, "OPS", w.cluster.records[request].Route)
		require.Equal(t, []string{"OPS"}, w.tracker.included, "searches look there")
	})
}

func TestRulesThatNeverComeAreNotWaitedForLong(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.startWith(following())
		r.OnSubscribed(false)
		w.pass(20 * time.Second)
		require.Empty(t, w.project())
		w.pass(20 * time.Second)
		require.Equal(t, project, w.project())
	})
}

func TestTraitsAreReadOnlyWhereARuleNeedsThem(t *testing.T) {
	for name, c := range map[string]struct {
		condition string
		traits    map[string][]string
		calls     int
		project   string
	}{
		"no traits asked for": {`access_request.spec.roles.contains("root")`, nil, 0, "OPS"},
		"not readable":        {`user.traits["team"].contains("sre")`, nil, 1, project},
		"they fit":            {`user.traits["team"].contains("sre")`, map[string][]string{"team": {"sre"}}, 1, "OPS"},
		"they do not":         {`user.traits["team"].contains("sre")`, map[string][]string{}, 1, project},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.cluster.userTraits = c.traits
				r := w.startWith(following())
				r.OnMonitoringRules(toOPS(c.condition))
				w.event(r)
				require.Equal(t, c.project, w.project())
				require.Equal(t, c.calls, w.count("UserTraits"))
				before := w.count("UserTraits")
				w.event(r)
				require.Equal(t, before, w.count("UserTraits"), "not for an issue that exists")
			})
		})
	}
}

// TestRecipientThatJiraDoesNotAnswerFor: what a rule wants is not decided by a Jira
// that is away.
func TestRecipientThatJiraDoesNotAnswerFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.next("Usable", refused(access.Temporary), refused(access.Temporary))
		r := w.startWith(following())
		r.OnMonitoringRules(toOPS("true"))
		w.event(r)
		require.Empty(t, w.project())
		w.pass(time.Minute)
		require.Equal(t, "OPS", w.project())
	})
}

func TestChangedRulesAreSeenByRequestsThatWait(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.startWith(following())
		r.OnMonitoringRules([]access.MonitoringRule{{Name: "quiet", Condition: "true", Notification: "jira", Recipients: []string{"none"}}})
		w.event(r)
		w.pass(time.Minute)
		require.Empty(t, w.project())
		lists := w.count("Requests")
		r.OnMonitoringRules([]access.MonitoringRule{{Name: "quiet", Condition: "true", Notification: "jira", Recipients: []string{"none"}}})
		w.pass(time.Minute)
		require.Equal(t, lists, w.count("Requests"), "the same once more is no change")
		r.OnMonitoringRules(nil)
		synctest.Wait()
		w.pass(time.Second)
		require.Equal(t, project, w.project())
	})
}
