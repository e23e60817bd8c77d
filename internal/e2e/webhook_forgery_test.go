package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Replays and forgeries, one by one, sent by somebody who even has the
// webhook's secret: what a webhook says is never what is true.

// forgery is a webhook's body with whatever its sender pleases.
func forgery(t *testing.T, id, key, status string, labels ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"webhookEvent": "jira:issue_updated",
		"user":         map[string]any{"accountId": fakejira.BobID, "accountType": "atlassian", "active": true},
		"issue": map[string]any{"id": id, "key": key, "fields": map[string]any{
			"status": map[string]any{"name": status}, "labels": labels,
		}},
		"changelog": map[string]any{"id": "99999", "items": []any{map[string]any{"field": "status", "toString": status}}},
	})
	require.NoError(t, err)
	return string(body)
}

// post sends a signed webhook and gives the answer's status.
func (w *world) post(body string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.hookURL("/webhook"), strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("X-Hub-Signature", fakejira.Signature(secret, []byte(body)))
	resp, err := w.client.Do(req)
	require.NoError(w.t, err)
	require.NoError(w.t, resp.Body.Close())
	return resp.StatusCode
}

// withOPS adds a project that the daemon is not configured for.
func withOPS(o *options) {
	other := o.jira.Projects[0]
	other.ID, other.Key, other.Name = "10010", "OPS", "Operations"
	o.jira.Projects = append(o.jira.Projects, other)
}

// forged makes an issue of Carol's that claims to be a request's: it has the
// label and the property, and Bob moved it to Approved.
func (w *world) forged(project, id string) fakejira.Issue {
	w.t.Helper()
	name, err := json.Marshal(id)
	require.NoError(w.t, err)
	issue, err := w.jira.CreateIssue(fakejira.CarolID, fakejira.NewIssue{
		Project: project, Summary: "forged", Labels: []string{"teleport-" + id},
		Properties: map[string]json.RawMessage{property: name},
	})
	require.NoError(w.t, err)
	w.drag(issue, "Approved", fakejira.BobID)
	return issue
}

func TestSecurityForgeriesDecideNothing(t *testing.T) {
	for name, c := range map[string]struct {
		forge  func(w *world, id string, issue fakejira.Issue)
		answer func(w *world, id string, issue fakejira.Issue) (body string, status int)
	}{
		"forged status and user": {nil, func(w *world, id string, i fakejira.Issue) (string, int) {
			return forgery(w.t, i.ID, i.Key, "Approved", "teleport-"+id), http.StatusOK
		}},
		"forged deletion": {nil, func(w *world, id string, i fakejira.Issue) (string, int) {
			return strings.Replace(forgery(w.t, i.ID, i.Key, "", "teleport-"+id), "issue_updated", "issue_deleted", 1), http.StatusOK
		}},
		"foreign issue with the request's property and label": {
			func(w *world, id string, _ fakejira.Issue) { w.forged("TAR", id) },
			func(w *world, id string, _ fakejira.Issue) (string, int) {
				return forgery(w.t, w.jira.Issues()[1].ID, "TAR-2", "Approved", "teleport-"+id), http.StatusOK
			},
		},
		"foreign issue, label hidden": {
			func(w *world, id string, _ fakejira.Issue) { w.forged("TAR", id) },
			func(w *world, _ string, _ fakejira.Issue) (string, int) {
				return forgery(w.t, w.jira.Issues()[1].ID, "TAR-2", "Approved"), http.StatusOK
			},
		},
		"another project's issue": {
			func(w *world, id string, _ fakejira.Issue) { w.forged("OPS", id) },
			func(w *world, id string, _ fakejira.Issue) (string, int) {
				return forgery(w.t, w.jira.Issues()[1].ID, "OPS-1", "Approved", "teleport-"+id), http.StatusOK
			},
		},
		"swapped ids": {func(w *world, _ string, _ fakejira.Issue) {
			// Bob approved the other request; its label now stands under this one's id.
			_, other := w.pending()
			w.drag(other, "Approved", fakejira.BobID)
		}, func(w *world, id string, i fakejira.Issue) (string, int) {
			other := w.jira.Issues()[1]
			require.Equal(w.t, http.StatusOK, w.post(forgery(w.t, other.ID, i.Key, "Approved", "teleport-"+id)))
			return forgery(w.t, i.ID, other.Key, "Approved", other.Labels...), http.StatusOK
		}},
		"an issue's label and property changed to this request's": {func(w *world, id string, _ fakejira.Issue) {
			_, other := w.pending()
			require.NoError(w.t, w.jira.SetLabels(other.ID, fakejira.CarolID, []string{"teleport-" + id}))
			require.NoError(w.t, w.jira.SetProperty(other.ID, fakejira.CarolID, property, json.RawMessage(strconv.Quote(id))))
			w.drag(other, "Approved", fakejira.AliceID) // who may decide neither
		}, func(w *world, id string, _ fakejira.Issue) (string, int) {
			return forgery(w.t, w.jira.Issues()[1].ID, "TAR-2", "Approved", "teleport-"+id), http.StatusOK
		}},
		"an id that leads elsewhere": {nil, func(w *world, id string, _ fakejira.Issue) (string, int) {
			return forgery(w.t, "../../myself", "TAR-1", "Approved", "teleport-"+id), http.StatusBadRequest
		}},
		"a key that leads elsewhere": {nil, func(w *world, id string, i fakejira.Issue) (string, int) {
			return forgery(w.t, i.ID, "../../../myself", "Approved", "teleport-../../"+id), http.StatusOK
		}},
		"a label that means more in a query": {nil, func(w *world, _ string, _ fakejira.Issue) (string, int) {
			return forgery(w.t, "99", "TAR-99", "Approved", `teleport-x" OR labels = "y`), http.StatusOK
		}},
		"a request that is not there": {nil, func(w *world, _ string, _ fakejira.Issue) (string, int) {
			return forgery(w.t, "99", "TAR-99", "Approved", "teleport-0192-none"), http.StatusOK
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withOPS)
			w.start()
			id, issue := w.pending()
			if c.forge != nil {
				c.forge(w, id, issue)
			}
			w.quiet()
			reviews := len(w.cluster.Audit())
			for range 3 {
				body, status := c.answer(w, id, issue)
				require.Equal(t, status, w.post(body))
			}
			w.quiet()
			w.inState(id, types.RequestState_PENDING)
			require.Len(t, w.cluster.Audit(), reviews, "nothing was done in Teleport")
			require.Empty(t, w.comments(issue))
			require.Equal(t, "Pending", w.read(issue.ID).Status.Name)
			for _, call := range w.jira.Calls() {
				require.NotContains(t, call.Path, "..")
			}

			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// TestSecurityReplaysAreHarmless: a recorded approval, sent again at every
// later moment, decides nothing twice.
func TestSecurityReplaysAreHarmless(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.halfApproved()
	recorded := w.jira.Deliveries()
	replay := func() {
		for _, d := range recorded {
			w.jira.Redeliver(d)
		}
		w.quiet()
	}
	replay()
	require.Len(t, w.reviews(id), 1)
	w.review(id, carol, types.RequestState_DENIED, "no")
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied")
	before := w.comments(issue)
	replay()
	require.Equal(t, before, w.comments(issue))
	require.Equal(t, "Denied", w.read(issue.ID).Status.Name)
	w.inState(id, types.RequestState_DENIED)
}

// TestSecurityIssuePreparedByAnAttackerIsNotAdopted: an attempt to create was
// lost, and before the daemon looks for what it may have made, somebody makes
// an issue with the right label and property, already approved.
func TestSecurityIssuePreparedByAnAttackerIsNotAdopted(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"user": alice, "roles": "dba,editor", "created": strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10),
	}))
	trap := w.forged("TAR", id)
	w.start()
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
	require.NotEqual(t, trap.ID, w.record(id)["issue_id"])
	w.drag(trap, "Denied", fakejira.BobID)
	w.drag(trap, "Approved", fakejira.BobID)
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.comments(trap))
}

// TestSecurityMoveMadeInAnotherProjectDecidesNothingAtHome: somebody takes the
// issue to where they may move it, and back, while nobody looks.
func TestSecurityMoveMadeInAnotherProjectDecidesNothingAtHome(t *testing.T) {
	t.Parallel()
	for name, detour := range map[string]func(w *world, issue fakejira.Issue){
		"moved there": func(w *world, issue fakejira.Issue) {
			require.NoError(w.t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
			w.drag(issue, "Approved", fakejira.BobID)
			require.NoError(w.t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "TAR", ""))
		},
		"on the way home": func(w *world, issue fakejira.Issue) {
			require.NoError(w.t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
			require.NoError(w.t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "TAR", "Approved"))
		},
	} {
		for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
			t.Run(fmt.Sprint(name, ", ", flavour), func(t *testing.T) {
				w := newWorld(t, func(o *options) { o.jira = fakejira.Board(flavour) }, withOPS)
				w.start()
				id, issue := w.pending()
				w.stop()
				detour(w, issue)
				w.start()
				w.said(issue, "decided nothing", "while the issue was in another project, or by changing its project")
				w.inStatus(issue, "Pending")
				w.inState(id, types.RequestState_PENDING)
				require.Empty(t, w.reviews(id))
				w.drag(issue, "Approved", fakejira.BobID)
				w.inState(id, types.RequestState_APPROVED)
			})
		}
	}
}

func TestSecurityIssueMovedToAnotherProjectDecidesNothingThere(t *testing.T) {
	w := newWorld(t, withOPS)
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Approved"))
	w.said(issue, "OPS is not the one in which this request may be decided, TAR")
	w.inState(id, types.RequestState_PENDING)
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "TAR", "Pending"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
