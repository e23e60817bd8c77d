package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// onEach runs a test on both kinds of Jira.
func onEach(t *testing.T, test func(t *testing.T, kind func(*options))) {
	t.Helper()
	for name, flavour := range map[string]fakejira.Flavour{"cloud": fakejira.Cloud, "data center": fakejira.DataCenter} {
		t.Run(name, func(t *testing.T) {
			test(t, func(o *options) { o.jira = fakejira.Board(flavour) })
		})
	}
}

func TestRequestBecomesAnIssue(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, kind func(*options)) {
		w := newWorld(t, kind)
		w.start()
		id := w.request(faketeleport.RequestOptions{}, "editor", "dba") // clusters keep roles sorted
		issue := w.issue(id)

		require.Equal(t, "TAR", issue.Project)
		require.Equal(t, "Task", issue.Type.Name)
		require.Equal(t, "Pending", issue.Status.Name)
		require.Equal(t, "alice@example.com requested dba, editor", issue.Summary)
		require.Equal(t, fakejira.BotID, issue.Creator)
		require.Contains(t, issue.Labels, "teleport-"+id)
		require.JSONEq(t, strconv.Quote(id), string(issue.Properties[property]))
		require.Empty(t, issue.Comments)
	})
}

func TestDataCenterWithAPasswordInPlaceOfAToken(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira = fakejira.Board(fakejira.DataCenter) })
	w.set("jira", "username", fakejira.BotID)
	w.set("jira", "api_token", fakejira.BotToken)
	w.start()
	w.pending()
}

func TestDescriptionTellsWhatIsRequested(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cluster.AddNode("node-1", "db-1.example.com"))
	role := faketeleport.Role{Name: "reads-nodes", ListResources: []string{types.KindNode}}
	w.cluster.PutRole(role)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, role.Name}})
	w.start()
	id := w.request(faketeleport.RequestOptions{
		Resources: []types.ResourceID{{ClusterName: "example.com", Kind: types.KindNode, Name: "node-1"}},
	}, "editor", "dba")
	text := plain(w.issue(id).Description)
	req, err := w.cluster.Request(id)
	require.NoError(t, err)

	for _, part := range []string{
		alice, "dba, editor", "the disk is full", id, "db-1.example.com",
		req.GetCreationTime().UTC().Format("2006-01-02 15:04:05 MST"),
		"|https://teleport.example.com:443/web/requests/" + id + "]",
	} {
		require.Contains(t, text, part)
	}
}

func TestSummaryOfSixtyRolesIsCut(t *testing.T) {
	w := newWorld(t)
	w.start()
	roles := make([]string, 60)
	for i := range roles {
		roles[i] = fmt.Sprintf("rôle-of-some-length-%02d", i)
	}
	id := w.request(faketeleport.RequestOptions{}, roles...)
	issue := w.issue(id)
	require.LessOrEqual(t, utf8.RuneCountInString(issue.Summary), 254)
	require.Contains(t, issue.Summary, " more")
	require.True(t, strings.HasPrefix(issue.Summary, "alice@example.com requested rôle-of-some-length-00, rôle"), issue.Summary)
	require.Contains(t, plain(issue.Description), roles[59], "the description has them all")
}

func TestIssueIsLookedUpByItsIDWhenItsKeyChanges(t *testing.T) {
	w := newWorld(t, func(o *options) {
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name = "10010", "OPS", "Operations"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved", "fine")
}

func TestCustomFieldsAndLabels(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Fields = []fakejira.Field{{ID: "customfield_10050", Name: "Request", Required: true}}
	})
	w.set("jira.fields", "customfield_10050", "{{.ID}}")
	w.set("jira.issue", "labels", []string{"access"})
	w.start()
	id, issue := w.pending()
	require.Equal(t, id, issue.Fields["customfield_10050"])
	require.Contains(t, issue.Labels, "access")
}

func TestCallsThatOneRequestCosts(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprint("e-mails hidden ", hidden), func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.jira.HideEmails = hidden })
			w.start()
			w.pending() // the first one shows where issues land
			w.quiet()
			w.jira.ResetCalls()
			id, issue := w.pending()
			w.says(issue, fakejira.BobID, "reason: it is his job")
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			w.said(issue, "has been approved")
			var calls []string
			for _, c := range w.jira.Calls() {
				calls = append(calls, c.Method+" "+c.Path+"?"+c.Query)
			}
			require.LessOrEqual(t, len(calls), 4, "%s", strings.Join(calls, "\n"))
		})
	}
}

// TestANewRequestTakesTwoCallsToTeleport: the watch's event brings the request,
// and the claim proves that there is no record of it.
func TestANewRequestTakesTwoCallsToTeleport(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.pending() // the first one shows where issues land
	w.quiet()
	before := w.cluster.Calls()
	const n = 5
	for range n {
		w.pending()
	}
	w.quiet()
	now := w.cluster.Calls()
	require.Equal(t, 2*n, now["UpdatePluginData"]-before["UpdatePluginData"])
	require.Equal(t, before["GetPluginData"], now["GetPluginData"])
}

func TestJiraUnderAPath(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		path    string
	}{
		"context path of data center": {fakejira.DataCenter, "/jira"},
		"gateway of cloud":            {fakejira.Cloud, "/ex/jira/11111111-2222-3333-4444-555555555555"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				o.jira = fakejira.Board(tc.flavour)
				o.jira.PathPrefix = tc.path
			})
			w.set("jira", "url", w.site.URL()+tc.path+"/")
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			w.said(issue, "has been approved")
		})
	}
}

func TestRoutesDecideTheProject(t *testing.T) {
	w := newWorld(t, func(o *options) {
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name = "10010", "DBA", "Databases"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.writeText(w.conf.String() + `
[[jira.routes]]
roles = ["break-glass"]
skip = true

[[jira.routes]]
roles = ["prod-*"]
project = "DBA"
labels = ["prod"]
`)

	w.launchAsIs()
	w.ready()
	skipped := w.request(faketeleport.RequestOptions{}, "break-glass")
	issue := w.issue(w.request(faketeleport.RequestOptions{}, "editor", "prod-db"))
	require.Equal(t, "DBA", issue.Project)
	require.Contains(t, issue.Labels, "prod")
	require.Equal(t, "TAR", w.issue(w.request(faketeleport.RequestOptions{}, "editor")).Project)
	w.quiet()
	require.Empty(t, w.issues(skipped))
}
