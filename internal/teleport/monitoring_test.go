package teleport_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/teleport"
)

// ruleRecorder is a recorder that also keeps the rules of each report, by name.
type ruleRecorder struct {
	recorder
	rulesMu sync.Mutex
	reports []string
	last    []access.MonitoringRule
}

func (r *ruleRecorder) OnMonitoringRules(rules []access.MonitoringRule) {
	r.rulesMu.Lock()
	defer r.rulesMu.Unlock()
	names := make([]string, 0, len(rules))
	for _, rule := range rules {
		names = append(names, rule.Name)
	}
	r.reports, r.last = append(r.reports, strings.Join(names, " ")), rules
}

// OnSubscribed stands between the reports as "|".
func (r *ruleRecorder) OnSubscribed(back bool) {
	r.recorder.OnSubscribed(back)
	r.rulesMu.Lock()
	defer r.rulesMu.Unlock()
	r.reports = append(r.reports, "|")
}

// said returns the reports since the last call.
func (r *ruleRecorder) said() []string {
	r.rulesMu.Lock()
	defer r.rulesMu.Unlock()
	said := slices.Compact(r.reports)
	r.reports = nil
	return said
}

func (r *ruleRecorder) rule(t *testing.T, name string) access.MonitoringRule {
	t.Helper()
	r.rulesMu.Lock()
	defer r.rulesMu.Unlock()
	i := slices.IndexFunc(r.last, func(rule access.MonitoringRule) bool { return rule.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return r.last[i]
}

// withRules runs fn in a bubble with a client that follows rules, in a cluster
// that has the rule "old".
func withRules(t *testing.T, cfg faketeleport.Config, roles []string, fn func(w *world, r *ruleRecorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg, append([]string{faketeleport.RolePluginReviewer}, roles...)...)
		w.cfg.MonitoringRules, w.cfg.RulesInterval = true, 10*time.Minute
		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "old", Condition: "true", Notification: "jira"})
		clt := w.connect()
		ctx, cancel := context.WithCancel(t.Context())
		r, ended := &ruleRecorder{}, make(chan error, 1)
		go func() { ended <- clt.Watch(ctx, r) }()
		synctest.Wait()
		require.True(t, clt.Watching())
		fn(w, r)
		cancel()
		require.NoError(t, <-ended)
	})
}

func may() []string { return []string{faketeleport.RoleMonitoringRules} }

func TestRulesAreListedFirstAndThenWatched(t *testing.T) {
	withRules(t, faketeleport.Config{}, may(), func(w *world, r *ruleRecorder) {
		require.Equal(t, []string{"old", "|"}, r.said(), "before the subscription is reported")
		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{
			Name: "a", Condition: "true", Notification: "jira", Recipients: []string{"OPS"},
			Integration: "jira", Decision: "DENIED", DesiredState: "reviewed",
		})
		synctest.Wait()
		require.Equal(t, []string{"a old"}, r.said())
		require.Equal(t, access.MonitoringRule{
			Name: "a", Condition: "true", Notification: "jira", Recipients: []string{"OPS"},
			Integration: "jira", Decision: access.Denied, DesiredState: "reviewed",
		}, r.rule(t, "a"))

		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "a", Condition: "false"})
		w.cluster.RemoveMonitoringRule("old")
		synctest.Wait()
		require.Equal(t, []string{"a old", "a"}, r.said())
		require.Equal(t, "false", r.rule(t, "a").Condition)

		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "a", Subjects: []string{"other"}, Condition: "true"})
		synctest.Wait()
		require.Equal(t, []string{""}, r.said(), "it is about something else now")
		require.Equal(t, 1, w.cluster.Watchers())
		require.Equal(t, 1, w.log.count("access monitoring rules are followed"))
	})
}

func TestRulesThatAreNotUnderstoodInFull(t *testing.T) {
	withRules(t, faketeleport.Config{PageSize: 1}, may(), func(w *world, r *ruleRecorder) {
		night := faketeleport.MonitoringRule{Name: "night", Condition: "true", Integration: "jira", Decision: "APPROVED", Schedules: true}
		w.cluster.PutMonitoringRule(night)
		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "odd", Condition: "true", Integration: "jira", Decision: "MAYBE"})
		synctest.Wait()
		require.True(t, r.rule(t, "night").UnknownFields, "by event")
		require.False(t, r.rule(t, "odd").UnknownFields)
		require.Empty(t, r.rule(t, "odd").Decision)
		w.cluster.CloseWatchers()
		pass(time.Minute)
		require.Contains(t, r.said(), "night odd old")
		require.True(t, r.rule(t, "night").UnknownFields, "by list")
		night.Schedules = false
		w.cluster.PutMonitoringRule(night)
		synctest.Wait()
		require.False(t, r.rule(t, "night").UnknownFields)
	})
}

func TestRulesThatCanNotBeHad(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   faketeleport.Config
		roles []string
		says  string
	}{
		"no right":                               {roles: nil, says: "access monitoring rules can't be read"},
		"too old":                                {faketeleport.Config{NoMonitoringRules: true}, may(), "too old for access monitoring rules"},
		"too old, and says nothing of the kinds": {faketeleport.Config{NoMonitoringRules: true, NoWatchStatus: true}, may(), "too old for access monitoring rules"},
	} {
		t.Run(name, func(t *testing.T) {
			withRules(t, c.cfg, c.roles, func(w *world, r *ruleRecorder) {
				require.Equal(t, []string{"", "|"}, r.said(), "it goes on")
				id := w.request("alice", faketeleport.RequestOptions{})
				synctest.Wait()
				require.Contains(t, r.take(), id, "requests are watched")
				pass(time.Hour)
				w.cluster.CloseWatchers()
				pass(time.Hour)
				require.Equal(t, 1, w.log.count(c.says), "said once")
				require.Zero(t, w.log.count("level=WARN msg=\"access monitoring"))
			})
		})
	}
}

func TestRulesAreListedWhereTheyCanNotBeWatched(t *testing.T) {
	withRules(t, faketeleport.Config{NoRuleWatch: true}, may(), func(w *world, r *ruleRecorder) {
		require.Equal(t, []string{"old", "|"}, r.said())
		require.Equal(t, 1, w.log.count("listed instead"))
		pass(time.Minute)
		r.said()
		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "new", Condition: "true"})
		pass(time.Minute)
		require.Empty(t, r.said())
		pass(10 * time.Minute)
		require.Equal(t, []string{"new old"}, r.said())
	})
}

func TestRightToRulesComesAndGoes(t *testing.T) {
	withRules(t, faketeleport.Config{}, nil, func(w *world, r *ruleRecorder) {
		give := func(roles ...string) {
			w.cluster.PutUser(faketeleport.User{Name: bot, Roles: append([]string{faketeleport.RolePluginReviewer}, roles...)})
			r.said()
			pass(11 * time.Minute)
		}
		give(may()...)
		require.Equal(t, []string{"old"}, r.said())
		give()
		require.Equal(t, []string{""}, r.said(), "what can't be read any more counts no longer")
		require.Equal(t, 2, w.log.count("can't be read"))
	})
}

func TestRulesStayWhileTheServerFails(t *testing.T) {
	withRules(t, faketeleport.Config{}, may(), func(w *world, r *ruleRecorder) {
		pass(time.Minute)
		r.said()
		w.cluster.Inject(faketeleport.Unavailable("ListAccessMonitoringRulesWithFilter", 3))
		w.cluster.CloseWatchers()
		pass(20 * time.Second)
		require.Equal(t, []string{"|"}, r.said(), "nothing is reported that was not read")
		require.Equal(t, 1, w.log.count("access monitoring rules not read"))
		pass(2 * time.Minute)
		require.Equal(t, []string{"old"}, r.said())
	})
}

func TestRulesThatAreOffCostNothing(t *testing.T) {
	watched(t, func(w *world, _ *teleport.Client, _ *recorder) {
		w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "a", Condition: "true"})
		pass(time.Hour)
		require.Zero(t, w.cluster.Calls()["ListAccessMonitoringRulesWithFilter"])
		require.Zero(t, w.log.count("access monitoring"))
	})
}

func TestTraitsOfTheRequester(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
		clt := w.connect()
		w.cluster.PutUser(faketeleport.User{Name: "alice", Traits: map[string][]string{"team": {"sre"}}})
		for range 2 {
			_, known, err := clt.UserTraits(t.Context(), "alice")
			require.NoError(t, err)
			require.False(t, known, "without the right")
		}
		require.Equal(t, 1, w.log.count("users are not readable"))
		w.cluster.PutRole(faketeleport.Role{Name: "reads", ReadUsers: true})
		w.cluster.PutUser(faketeleport.User{Name: bot, Roles: []string{"reads"}})
		traits, known, err := clt.UserTraits(t.Context(), "alice")
		require.NoError(t, err)
		require.True(t, known)
		require.Equal(t, map[string][]string{"team": {"sre"}}, traits)
		_, known, err = clt.UserTraits(t.Context(), "nobody")
		require.NoError(t, err)
		require.False(t, known)
		w.cluster.Inject(faketeleport.Unavailable("GetUser", 1))
		_, _, err = clt.UserTraits(t.Context(), "alice")
		require.Error(t, err)
	})
}
