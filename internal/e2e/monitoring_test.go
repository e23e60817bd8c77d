package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// The cluster's access monitoring rules say where issues go.

// withMonitoring has the daemon's role read the rules, and two more projects in
// Jira: OPS with the issue types Task and Bug, and SEC.
func withMonitoring(o *options) {
	o.roles = append(o.roles, faketeleport.RoleMonitoringRules)
	for i, key := range []string{"OPS", "SEC"} {
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name = fmt.Sprint(10010+i), key, key
		o.jira.Projects = append(o.jira.Projects, other)
	}
}

// rule is a rule that sends requests for a role to recipients.
func rule(name, role string, recipients ...string) faketeleport.MonitoringRule {
	return faketeleport.MonitoringRule{
		Name: name, Condition: fmt.Sprintf("access_request.spec.roles.contains(%q)", role),
		Notification: "jira", Recipients: recipients,
	}
}

// projectOf is the project of the issue of a new request for the roles.
func (w *world) projectOf(roles ...string) string {
	w.t.Helper()
	return w.issue(w.request(faketeleport.RequestOptions{}, roles...)).Project
}

func TestMonitoringRuleSaysWhereTheIssueGoes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, kind func(*options)) {
		w := newWorld(t, kind, withMonitoring)
		w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
		w.start()
		id := w.request(faketeleport.RequestOptions{}, "prod", "editor")
		issue := w.issue(id)
		require.Equal(t, "OPS", issue.Project)
		require.Equal(t, "Task", issue.Type.Name, "the configured type")
		require.Equal(t, "OPS", w.record(id)["route"])
		require.Equal(t, "TAR", w.projectOf("editor"))

		// It is decided where it is, and everything else goes on as usual.
		w.drag(issue, "Approved", fakejira.BobID)
		w.inState(id, types.RequestState_APPROVED)
		w.said(issue, "has been approved")
		w.inStatus(issue, "Approved")
	})
}

func TestMonitoringRuleIsFollowedAsItChanges(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.start()
	require.Equal(t, "TAR", w.projectOf("prod"))
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	require.Equal(t, "OPS", w.projectOf("prod"), "made while the daemon runs")
	w.cluster.PutMonitoringRule(rule("ops", "prod", "SEC"))
	require.Equal(t, "SEC", w.projectOf("prod"), "changed")
	w.cluster.RemoveMonitoringRule("ops")
	require.Equal(t, "TAR", w.projectOf("prod"), "removed")
	require.Zero(t, w.logCount("level=ERROR"))
}

func TestMonitoringRuleNamesAnIssueType(t *testing.T) {
	w := newWorld(t, func(o *options) {
		withMonitoring(o)
		for i := range o.jira.Projects {
			if o.jira.Projects[i].Key == "OPS" {
				bug := o.jira.Projects[i].IssueTypes[0]
				bug.ID, bug.Name = "10077", "Service Request"
				o.jira.Projects[i].IssueTypes = append(slices.Clone(o.jira.Projects[i].IssueTypes), bug)
			}
		}
	})
	w.cluster.PutMonitoringRule(rule("ops", "prod", "ops/service request"))
	w.start()
	id := w.request(faketeleport.RequestOptions{}, "prod")
	issue := w.issue(id)
	require.Equal(t, "OPS", issue.Project)
	require.Equal(t, "Service Request", issue.Type.Name)
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
}

func TestMonitoringRuleNoneMeansNoIssue(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("quiet", "viewer", "none"))
	w.start()
	suppressed := w.request(faketeleport.RequestOptions{}, "viewer")
	require.Equal(t, "TAR", w.projectOf("editor"))
	w.quiet()
	require.Empty(t, w.issues(suppressed))
	require.Empty(t, w.record(suppressed))

	// It can be decided in Teleport, and gets its issue when the rule is gone.
	waits := w.request(faketeleport.RequestOptions{}, "viewer")
	w.review(suppressed, bob, types.RequestState_APPROVED, "fine")
	w.inState(suppressed, types.RequestState_APPROVED)
	w.cluster.RemoveMonitoringRule("quiet")
	require.Equal(t, "TAR", w.issue(waits).Project)
	w.quiet()
	require.Empty(t, w.issues(suppressed), "settled before")
}

func TestMonitoringRulesOrder(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("b", "prod", "OPS"))
	w.cluster.PutMonitoringRule(rule("a", "dba", "SEC"))
	w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{Name: "0-slack", Condition: "true", Notification: "slack", Recipients: []string{"SEC"}})
	w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{
		Name: "z", Condition: `plugin.spec.name == "jira" && access_request.spec.roles.contains("net")`, Recipients: []string{"SEC"},
	})
	w.cluster.PutMonitoringRule(faketeleport.MonitoringRule{
		Name: "1-either", Condition: `plugin.spec.name == "slack" || access_request.spec.roles.contains("x")`, Notification: "slack", Recipients: []string{"SEC"},
	})
	w.writeText(w.conf.String() + `
[[jira.routes]]
roles = ["prod", "local"]
project = "SEC"
labels = ["routed"]
`)
	w.launchAsIs()
	w.ready()
	require.Equal(t, "OPS", w.projectOf("prod"), "rules go before routes")
	require.Equal(t, "SEC", w.projectOf("dba", "prod"), "the first by name")
	require.Equal(t, "SEC", w.projectOf("local"), "then routes")
	require.Equal(t, "SEC", w.projectOf("net"), "by the plugin's name in the condition")
	require.Equal(t, "TAR", w.projectOf("x"), "a rule of another plugin's, whatever its condition says")
	require.Equal(t, "TAR", w.projectOf("editor"), "then the default")
}

func TestMonitoringRulesUnderAnotherName(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.set("teleport", "plugin_name", "jira-emea")
	w.cluster.PutMonitoringRule(rule("a", "prod", "SEC"))
	emea := rule("b", "prod", "OPS")
	emea.Notification = "jira-emea"
	w.cluster.PutMonitoringRule(emea)
	w.start()
	require.Equal(t, "OPS", w.projectOf("prod"))
}

func TestMonitoringRulesThatAreOff(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.set("teleport", "access_monitoring_rules", "off")
	w.cluster.PutMonitoringRule(rule("a", "prod", "OPS"))
	w.start()
	require.Equal(t, "TAR", w.projectOf("prod"))
	require.Zero(t, w.cluster.Calls()["ListAccessMonitoringRulesWithFilter"])
	require.Zero(t, w.logCount("monitoring"))
}

func TestMonitoringRuleThatIsNotUnderstood(t *testing.T) {
	w := newWorld(t, withMonitoring)
	labels := rule("labels", "prod", "OPS")
	labels.Condition = `access_request.spec.resource_labels_union["env"].contains("prod")`
	w.cluster.PutMonitoringRule(labels)
	w.cluster.PutMonitoringRule(rule("later", "prod", "SEC"))
	unrelated := labels
	unrelated.Name, unrelated.Notification = "unrelated", "slack"
	w.cluster.PutMonitoringRule(unrelated)
	w.start()
	require.Equal(t, "SEC", w.projectOf("prod"), "it does not match, others do")
	w.logged("level=WARN", "rule=labels", "resource_labels_union")
	require.Equal(t, 1, w.logCount("rule is not followed in full"), "once, and not for another plugin's")
}

func TestMonitoringRuleOfARecipientThatIsNoProject(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("channel", "prod", "#access requests"))
	w.cluster.PutMonitoringRule(rule("gone", "dba", "NOPE"))
	w.cluster.PutMonitoringRule(rule("type", "net", "OPS/Epic of Epics"))
	w.cluster.PutMonitoringRule(rule("several", "web", "NOPE", "SEC"))
	w.start()
	for range 2 {
		for _, role := range []string{"prod", "dba", "net"} {
			require.Equal(t, "TAR", w.projectOf(role), role)
		}
	}
	require.Equal(t, "SEC", w.projectOf("web"), "the first that can be used")
	for _, name := range []string{"channel", "gone", "type", "several"} {
		require.Equal(t, 1, w.logCount("level=WARN", "rule="+name), name)
	}
}

func TestMonitoringRuleThatAsksForTraits(t *testing.T) {
	w := newWorld(t, withMonitoring)
	byTeam := rule("team", "prod", "OPS")
	byTeam.Condition = `contains_any(user.traits["team"], set("sre"))`
	w.cluster.PutMonitoringRule(byTeam)
	people := []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}
	w.cluster.PutUser(faketeleport.User{Name: alice, Roles: people, Traits: map[string][]string{"team": {"sre"}}})
	w.start()
	require.Equal(t, "TAR", w.projectOf("prod"), "without the right to read users it does not match")
	w.logged("level=WARN", "user.traits", "resources: [user]")

	reads := faketeleport.Role{Name: "reads-users", ReadUsers: true}
	w.cluster.PutRole(reads)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, faketeleport.RoleMonitoringRules, reads.Name}})
	require.Equal(t, "OPS", w.projectOf("prod"))
	w.cluster.PutUser(faketeleport.User{Name: alice, Roles: people})
	require.Equal(t, "TAR", w.projectOf("prod"))
}

func TestClusterWithoutMonitoringRules(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*options){
		"no right":     func(o *options) { withMonitoring(o); o.roles = o.roles[:1] },
		"too old":      func(o *options) { withMonitoring(o); o.cluster.NoMonitoringRules = true },
		"much too old": func(o *options) { withMonitoring(o); o.cluster.NoMonitoringRules, o.cluster.NoWatchStatus = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
			w.start()
			id := w.request(faketeleport.RequestOptions{}, "prod")
			issue := w.issue(id)
			require.Equal(t, "TAR", issue.Project)
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			w.cluster.CloseWatchers()
			require.Equal(t, "TAR", w.projectOf("prod"))
			require.Equal(t, 1, w.logCount("goes on without"), "said once")
		})
	}
}

func TestMonitoringRulesThatCanNotBeWatchedAreListed(t *testing.T) {
	w := newWorld(t, withMonitoring, func(o *options) { o.cluster.NoRuleWatch = true })
	w.set("reconcile", "resync_interval", "2s")
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	w.start()
	require.Equal(t, "OPS", w.projectOf("prod"))
	w.cluster.PutMonitoringRule(rule("ops", "prod", "SEC"))
	before := w.cluster.Calls()["ListAccessMonitoringRulesWithFilter"]
	require.Eventually(t, func() bool { return w.cluster.Calls()["ListAccessMonitoringRulesWithFilter"] > before+1 }, patience, tick)
	require.Equal(t, "SEC", w.projectOf("prod"))
}

func TestRightToMonitoringRulesIsTakenAway(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.set("reconcile", "resync_interval", "2s")
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	w.start()
	id := w.request(faketeleport.RequestOptions{}, "prod")
	issue := w.issue(id)
	require.Equal(t, "OPS", issue.Project)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
	w.logged("can't be read, it goes on without")
	require.Equal(t, "TAR", w.projectOf("prod"))

	// What was made by the rule is decided where it is, also after a restart.
	w.stop()
	w.start()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
}

func TestMonitoringRuleThatChangesMovesNoIssue(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	w.start()
	id := w.request(faketeleport.RequestOptions{}, "prod")
	byRule := w.issue(id)
	other := w.request(faketeleport.RequestOptions{}, "editor")
	byDefault := w.issue(other)
	w.cluster.PutMonitoringRule(rule("ops", "prod", "SEC"))
	w.cluster.PutMonitoringRule(rule("all", "editor", "none"))
	require.Equal(t, "SEC", w.projectOf("prod"))
	w.restart()
	require.Equal(t, "OPS", w.read(byRule.Key).Project)
	require.Len(t, w.issues(id), 1)
	w.drag(byRule, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.drag(byDefault, "Denied", fakejira.BobID)
	w.inState(other, types.RequestState_DENIED)
	w.inStatus(byDefault, "Denied")
}

// TestSecurityRouteInTheRecordProvesNothing: somebody who may write plugin data
// says that a request's issue belongs to a project of theirs.
func TestSecurityRouteInTheRecordProvesNothing(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{"route": "OPS"}))
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "decided nothing", "OPS", "TAR")
	w.inState(id, types.RequestState_PENDING)
}

// TestSecurityMonitoringRuleDoesNotChangeWhoDecides: the approvers of the routes
// that the roles match still bind where a rule chose the project.
func TestSecurityMonitoringRuleDoesNotChangeWhoDecides(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	w.writeText(w.conf.String() + `
[[jira.routes]]
roles = ["prod"]
project = "SEC"
approvers = ["carol@example.com"]
`)
	w.launchAsIs()
	w.ready()
	id := w.request(faketeleport.RequestOptions{}, "prod")
	issue := w.issue(id)
	require.Equal(t, "OPS", issue.Project)
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "not one of the configured approvers")
	w.inState(id, types.RequestState_PENDING)
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestMonitoringRulesAreWaitedForBeforeTheFirstIssue(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	disarm := w.cluster.Inject(faketeleport.Unavailable("ListAccessMonitoringRulesWithFilter", 1))
	defer disarm()
	w.set("reconcile", "resync_interval", "2s")
	w.start()
	require.Equal(t, "OPS", w.projectOf("prod"))
	w.logged("access monitoring rules not read")
}

// TestMonitoringRuleAndAKilledDaemon: the daemon dies while the issue is made, and
// the rule changes before the next one looks for it.
func TestMonitoringRuleAndAKilledDaemon(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(rule("ops", "prod", "OPS"))
	w.start()
	w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.HangAfter})
	id := w.request(faketeleport.RequestOptions{}, "prod")
	require.Eventually(t, func() bool { return len(w.issues(id)) == 1 }, patience, tick)
	w.kill()
	w.cluster.PutMonitoringRule(rule("ops", "prod", "SEC"))
	w.start()
	require.Eventually(t, func() bool { return w.record(id)["issue_id"] != "" }, 2*time.Minute, tick)
	issue := w.issue(id)
	require.Equal(t, "OPS", issue.Project)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
