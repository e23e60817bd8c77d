package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// roleFile is a role as tctl create reads it.
type roleFile struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Allow struct {
			Rules   []struct{ Resources, Verbs []string }
			Reviews struct {
				Roles          []string
				SubmitForUsers []string `yaml:"submit_for_users"`
			} `yaml:"review_requests"`
		}
	}
}

// create makes the role of the text as tctl create does, and gives it to the
// daemon's user in place of what it has.
func (w *world) create(text string) {
	w.t.Helper()
	var f roleFile
	require.NoError(w.t, yaml.NewDecoder(strings.NewReader(text)).Decode(&f))
	require.Equal(w.t, "role", f.Kind)
	may := func(kind string, verbs ...string) bool {
		return !slices.ContainsFunc(verbs, func(verb string) bool {
			for _, r := range f.Spec.Allow.Rules {
				if slices.Contains(r.Resources, kind) && slices.Contains(r.Verbs, verb) {
					return false
				}
			}
			return true
		})
	}
	w.cluster.PutRole(faketeleport.Role{
		Name:            f.Metadata.Name,
		ListRequests:    may("access_request", "list", "read"),
		UpdateRequests:  may("access_request", "update"),
		PluginData:      may("access_plugin_data", "list", "read", "update"),
		ReviewRequests:  f.Spec.Allow.Reviews.Roles,
		SubmitForUsers:  f.Spec.Allow.Reviews.SubmitForUsers,
		CreateLocks:     may("lock", "create"),
		UpdateLocks:     may("lock", "update"),
		ReadUsers:       may("user", "list", "read"),
		MonitoringRules: may("access_monitoring_rule", "list", "read"),
	})
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{f.Metadata.Name}})
}

func TestRoleOfSetupTeleportIsAllTheDaemonNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags   []string
		cluster faketeleport.Config
		change  func(w *world)
	}{
		"auto":      {},
		"review":    {flags: []string{"--mode", "review"}},
		"state":     {flags: []string{"--mode", "state"}, cluster: faketeleport.Config{Community: true}},
		"on behalf": {cluster: faketeleport.Config{OnBehalf: true}, change: func(w *world) { w.set("review", "mode", "on_behalf"); w.set("review.users", fakejira.BobID, bob) }},
		"a trait":   {change: func(w *world) { w.set("review.identity", "user_trait", "jira") }},
		"locks":     {change: func(w *world) { w.set("access", "max_duration", "4h") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				o.cluster.Community, o.cluster.OnBehalf = c.cluster.Community, c.cluster.OnBehalf
				o.roles = []string{faketeleport.RoleRequester}
			})
			if c.change != nil {
				c.change(w)
			}
			w.writeConfig()
			out, _, status := command(t, "check", "--config", w.confPath)
			require.NotZero(t, status, "without the role:\n%s", out)

			printed, stderr, status := command(t, append([]string{"setup", "teleport", "--config", w.confPath}, c.flags...)...)
			require.Zero(t, status, stderr)
			w.create(printed)
			out, _, status = command(t, "check", "--config", w.confPath)
			require.Zero(t, status, out)
			if name == "a trait" {
				return // Nobody here has the trait.
			}
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

func TestSetupTeleportNamesWhatIsWrongAndNeedsNoToken(t *testing.T) {
	w := newWorld(t)
	w.conf.Drop("jira", "api_token")
	w.writeConfig()
	_, _, status := command(t, "check", "--config", w.confPath)
	require.NotZero(t, status)
	out, stderr, status := command(t, "setup", "teleport", "-c", w.confPath)
	require.Zero(t, status, stderr)
	require.Contains(t, out, "teleport-jira setup teleport -c "+w.confPath+" | tctl create -f\n")

	w.set("review", "mode", "maybe")
	w.writeConfig()
	out, stderr, status = command(t, "setup", "teleport", "-c", w.confPath)
	require.NotZero(t, status)
	require.Empty(t, out)
	require.Regexp(t, `teleport-jira\.toml:\d+: review\.mode: `, stderr)
}

// adminWorld is a world whose administrator is Alice, with a configuration for a
// project that is not there and nothing of Teleport in it.
func adminWorld(t *testing.T, flavour fakejira.Flavour) (w *world, admin []string) {
	w = newWorld(t, func(o *options) {
		o.jira = fakejira.Board(flavour)
		o.jira.GlobalPermissions = map[fakejira.Permission][]string{fakejira.Administer: {fakejira.AliceID}}
	})
	w.set("jira", "project", "ACC")
	w.set("jira", "issue_type", "Access Request")
	w.set("jira.statuses", "ended", "Access ended")
	w.set("jira.statuses", "revoked", "Revoked")
	w.set("review", "approvers", []string{"email:bob@example.com"})
	w.writeConfig()
	token := w.path("admin-token")
	require.NoError(t, os.WriteFile(token, []byte("alice-token\n"), 0o600))
	return w, []string{"setup", "jira", "-c", w.confPath, "--admin-user", "alice@example.com", "--admin-token-file", token}
}

func TestSetupJiraMakesABoardThatTheDaemonWorksWith(t *testing.T) {
	w, admin := adminWorld(t, fakejira.Cloud)
	_, _, status := command(t, "check", "--config", w.confPath)
	require.NotZero(t, status, "there is no such project")

	out, stderr, status := command(t, append(admin, "--dry-run")...)
	require.Zero(t, status, stderr)
	require.Contains(t, out, "Approve: Pending -> Approved, by whom [review] lets decide, and the daemon")
	require.Contains(t, out, "Nothing was changed.")
	for _, c := range w.jira.Calls() {
		require.Equal(t, "GET", c.Method)
	}
	out, stderr, status = command(t, admin...) // Nobody types anything.
	require.NotZero(t, status)
	require.Contains(t, out, "Type yes")
	require.Contains(t, stderr, "nothing was changed")

	out, stderr, status = command(t, append(admin, "--yes")...)
	require.Zero(t, status, out+stderr)
	require.Regexp(t, `The board: .*/projects/ACC/boards/\d+\n`, out)
	require.NotContains(t, out, "failure")
	require.NotContains(t, out+stderr, "alice-token")

	out, _, status = command(t, append(admin, "--yes")...)
	require.Zero(t, status)
	require.Contains(t, out, "All of it is there.")

	w.cluster.PutRole(faketeleport.Role{Name: "locks", CreateLocks: true, UpdateLocks: true})
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, "locks"}})
	w.start()
	id, issue := w.pending()
	require.Equal(t, "ACC", issue.Project)
	require.Error(t, w.jira.Drag(issue.ID, "Approved", fakejira.CarolID), "the workflow keeps her out")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.drag(issue, "Revoked", fakejira.BobID)
	w.said(issue, "has ended")
}

func TestSetupJiraChangesNothingInAProjectOfOthers(t *testing.T) {
	w, admin := adminWorld(t, fakejira.Cloud)
	w.set("jira", "project", "TAR")
	w.writeConfig()
	_, stderr, status := command(t, append(admin, "--yes")...)
	require.NotZero(t, status)
	require.Contains(t, stderr, "project TAR: the project exists and was not made by this command")
	for _, c := range w.jira.Calls() {
		require.Equal(t, "GET", c.Method)
	}
}

func TestSetupJiraSaysWhoHasToRunIt(t *testing.T) {
	w, admin := adminWorld(t, fakejira.Cloud)
	_, stderr, status := command(t, admin[:4]...)
	require.NotZero(t, status)
	require.Contains(t, stderr, "--admin-user and --admin-token-file")
	_, stderr, status = command(t, admin[:6]...)
	require.NotZero(t, status)
	require.Contains(t, stderr, "go together")
	w.set("jira.statuses", "approved", "10101")
	w.writeConfig()
	_, stderr, status = command(t, admin...)
	require.NotZero(t, status)
	require.Contains(t, stderr, "jira.statuses.approved is the id 10101")
}

func TestSetupJiraPrintsTheStepsOnDataCenterAndChecksThem(t *testing.T) {
	w, admin := adminWorld(t, fakejira.DataCenter)
	w.set("review", "approvers", []string{"name:" + fakejira.BobID})
	w.writeConfig()
	out, _, status := command(t, admin[:4]...)
	require.NotZero(t, status, "the project is not there")
	require.Contains(t, out, "add Pending, Approved, Denied, Expired, Access ended, Revoked")
	require.Contains(t, out, `add the transition "Approve" from Pending to Approved; condition: whom [review] lets decide (bob), or the account bot.`)
	require.Regexp(t, `failure +jira +project ACC`, out)

	w.conf.Drop("jira.statuses", "ended")
	w.conf.Drop("jira.statuses", "revoked")
	w.set("jira", "project", "TAR")
	w.set("jira", "issue_type", "Task")
	w.writeConfig()
	out, stderr, status := command(t, admin[:4]...)
	require.Zero(t, status, out+stderr)
	require.Contains(t, out, "What is done of it:")
}
