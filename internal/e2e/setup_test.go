package e2e

import (
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
