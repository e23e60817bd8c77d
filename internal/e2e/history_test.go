package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Tests of what an issue's history has to show before a status change decides.

// leftover makes an issue of the existing plugin, without a label, that Bob
// approved an hour ago, and names it as the request's to whoever searches.
func (w *world) leftover(id string) fakejira.Issue {
	w.t.Helper()
	issue, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
		Project: "TAR", Summary: "alice@example.com requested dba, editor", Properties: named("earlier-request"),
	})
	require.NoError(w.t, err)
	w.drag(issue, "Approved", fakejira.BobID)
	require.NoError(w.t, w.jira.Age(issue.ID, time.Hour))
	require.NoError(w.t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(strconv.Quote(id))))
	return issue
}

// TestSecurityIssueOlderThanTheRequestIsNotAdopted: the create of a new request
// was lost, and the requester prepared an approved issue that looks like what
// the daemon then searches for.
func TestSecurityIssueOlderThanTheRequestIsNotAdopted(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"user": alice, "roles": "dba,editor", "created": strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10),
	}))
	trap := w.leftover(id)
	w.start()
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
	require.NotEqual(t, trap.ID, w.record(id)["issue_id"])
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))

	own, err := w.jira.Issue(w.record(id)["issue_id"])
	require.NoError(t, err)
	w.drag(own, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

// TestSecurityMoveOlderThanTheRequestDecidesNothing: the record names an issue
// that was approved before the request was made.
func TestSecurityMoveOlderThanTheRequestDecidesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	issue := w.leftover(id)
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"issue_id": issue.ID, "issue_key": issue.Key, "user": alice, "roles": "dba,editor",
	}))
	w.start()
	w.said(issue, "decided nothing", "before this request was made")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))

	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	require.Equal(t, 1, w.sayings(issue, "before this request was made"))
}

// TestSecurityIssueThatNamesAnotherRequestDecidesNothing: Jira was restored from
// a backup, or another plugin wrote the record, so that it names an issue which
// was approved for something else.
func TestSecurityIssueThatNamesAnotherRequestDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"another": `"another-request"`, "none": `{"id": 1}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			id, issue := w.pending()
			require.NoError(t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(value)))
			w.drag(issue, "Approved", fakejira.BobID)
			w.said(issue, "decided nothing", "does not name the request")
			w.quiet()
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))
			want := map[string]string{"another": "Approved", "none": "Pending"}[name]
			require.Equal(t, want, w.read(issue.ID).Status.Name, "another request's issue is not moved")

			require.NoError(t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(strconv.Quote(id))))
			w.drag(issue, "Pending", fakejira.BobID)
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// inReview adds a status to the board that means nothing to the daemon.
func inReview(o *options) {
	flow := &o.jira.Projects[0].Workflow
	flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10105", Name: "In Review", Category: fakejira.InProgress})
	flow.Transitions = append(flow.Transitions, fakejira.Transition{ID: "61", Name: "Review", To: "In Review"})
}

// TestSecurityStatusRenamedAfterTheMoveDecidesNothing: somebody moved the card
// to a status that an administrator gives the approved one's name afterwards.
func TestSecurityStatusRenamedAfterTheMoveDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, configured := range map[string][]string{"by name": {"Approved"}, "by name and id": {"Approved", "10105"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, inReview)
			w.set("jira.statuses", "approved", configured[:1])
			w.start()
			id, issue := w.pending()
			w.drag(issue, "In Review", fakejira.BobID)
			w.quiet()
			w.stop()
			require.NoError(t, w.jira.RenameStatus("Approved", "Done and dusted"))
			require.NoError(t, w.jira.RenameStatus("In Review", "Approved"))
			w.set("jira.statuses", "approved", configured)
			w.start()
			w.said(issue, "decided nothing", "calls the status otherwise")
			w.inStatus(issue, "Pending")
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))

			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// TestStatusRenamedBeforeTheMoveDecides: an administrator renames the approved
// status and the configuration follows, by id or by its new name.
func TestStatusRenamedBeforeTheMoveDecides(t *testing.T) {
	t.Parallel()
	for name, configured := range map[string]string{"by id": "10101", "by name": "Granted"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, w.jira.RenameStatus("Approved", "Granted"))
			w.set("jira.statuses", "approved", configured)
			w.set("jira.statuses", "promoted", configured)
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Granted", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// TestSecurityHistoryWithAGapDecidesNothing: an entry before the move is lost,
// or the move came along with another issue type.
func TestSecurityHistoryWithAGapDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		move func(w *world, issue fakejira.Issue)
		says string
	}{
		"an entry is lost": {func(w *world, issue fakejira.Issue) {
			w.drag(issue, "Denied", fakejira.CarolID)
			w.drag(issue, "Pending", fakejira.CarolID)
			w.drag(issue, "Approved", fakejira.BobID)
			require.NoError(w.t, w.jira.EditHistory(issue.ID, func(all []fakejira.Change) []fakejira.Change {
				return append(all[:1:1], all[2:]...)
			}))
		}, "history of the issue has a gap"},
		"an entry has no time": {func(w *world, issue fakejira.Issue) {
			w.drag(issue, "Denied", fakejira.CarolID)
			w.drag(issue, "Approved", fakejira.BobID)
			require.NoError(w.t, w.jira.EditHistory(issue.ID, func(all []fakejira.Change) []fakejira.Change {
				all[0].At = time.Time{}
				return all
			}))
		}, "history of the issue has a gap"},
		"another type": {func(w *world, issue fakejira.Issue) {
			require.NoError(w.t, w.jira.ChangeType(issue.ID, fakejira.BobID, "Story", "Approved"))
		}, "along with the issue's type"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				o.jira.Projects[0].IssueTypes = append(o.jira.Projects[0].IssueTypes, fakejira.IssueType{ID: "10009", Name: "Story"})
			})
			w.start()
			id, issue := w.pending()
			w.stop()
			tc.move(w, issue)
			w.start()
			w.said(issue, "decided nothing", tc.says)
			w.inStatus(issue, "Pending")
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))

			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// TestSecurityDenialWinsOverALaterApprovalOfTheSameLook: Bob denies and Carol
// approves before the daemon looks. Bob's own change of mind counts.
func TestSecurityDenialWinsOverALaterApprovalOfTheSameLook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		approver string
		want     types.RequestState
		status   string
	}{
		"by another":  {fakejira.CarolID, types.RequestState_DENIED, "Denied"},
		"by the same": {fakejira.BobID, types.RequestState_APPROVED, "Approved"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			id, issue := w.pending()
			w.stop()
			w.drag(issue, "Denied", fakejira.BobID)
			w.drag(issue, "Approved", tc.approver)
			w.start()
			w.inState(id, tc.want)
			w.inStatus(issue, tc.status)
			require.Len(t, w.reviews(id), 1)
		})
	}
}

// TestSecurityCardTakenBackBeforeTheDecisionDecidesNothing: Jira is slow to say
// who Bob is, and he takes the card back meanwhile, or does not.
func TestSecurityCardTakenBackBeforeTheDecisionDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]bool{"taken back": true, "left there": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			approverGroup(w)
			w.start()
			id, issue := w.pending()
			w.jira.Inject(fakejira.Fault{Route: fakejira.RouteUserGroups, Effect: fakejira.Slow, Delay: 4 * time.Second, Times: 1})
			reads := w.jira.Count(http.MethodGet, fakejira.RouteIssue)
			w.drag(issue, "Approved", fakejira.BobID)
			if !back {
				w.inState(id, types.RequestState_APPROVED)
				return
			}
			eventually(t, func(c *assert.CollectT) {
				require.Greater(c, w.jira.Count(http.MethodGet, fakejira.RouteIssue), reads)
			})
			w.drag(issue, "Pending", fakejira.BobID)
			w.logged("issue changed before its decision was submitted", "request_id="+id)
			w.quiet()
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))
		})
	}
}
