package e2e

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestOneCommentForOneDecision: what came of it, by whom and why, in a colleague's
// words; what the machine needs is in Teleport's reason and the comment's property.
func TestOneCommentForOneDecision(t *testing.T) {
	const subject = "\nRequest: alice@example.com, roles dba, editor."
	byBob := "This Access Request has been approved by Bob Brown <bob@example.com>." + subject
	for name, c := range map[string]struct {
		mode, says string
		teleport   bool
		want       string
	}{
		"a review":                        {mode: "review", want: byBob},
		"a review with a reason":          {mode: "review", says: "it (really) is his job", want: byBob + "\nReason: it (really) is his job"},
		"a review on behalf":              {mode: "on_behalf", says: "on call", want: byBob + "\nReason: on call"},
		"a state":                         {mode: "state", says: "on call", want: byBob + "\nReason: on call"},
		"a state without a reason":        {mode: "state", want: byBob},
		"a review in Teleport":            {mode: "review", teleport: true, says: "fine", want: "This Access Request has been approved by bob@example.com." + subject + "\nReason: fine"},
		"a review in Teleport, no reason": {mode: "review", teleport: true, want: "This Access Request has been approved by bob@example.com." + subject},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				o.cluster.OnBehalf = c.mode == "on_behalf"
				if c.mode == "state" {
					o.roles = []string{faketeleport.RoleAccessPluginWithUpdate}
				}
			})
			w.set("review", "mode", c.mode)
			w.set("review.users", fakejira.BobID, bob)
			w.start()
			id, issue := w.pending()
			if c.teleport {
				w.review(id, bob, types.RequestState_APPROVED, c.says)
			} else {
				if c.says != "" {
					w.says(issue, fakejira.BobID, "reason: "+c.says)
				}
				w.drag(issue, "Approved", fakejira.BobID)
			}
			w.inState(id, types.RequestState_APPROVED)
			w.inStatus(issue, "Approved")
			w.said(issue, "has been approved")
			w.quiet()
			require.Equal(t, []string{c.want}, w.comments(issue))
		})
	}
}

// TestOneCommentForAReviewThatIsNotEnough: it says whose it was and how many there
// are, and the next one settles the request.
func TestOneCommentForAReviewThatIsNotEnough(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}}})
	issue := w.issue(id)
	w.says(issue, fakejira.BobID, "reason: first of two")
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "review of Bob Brown", "1 of 2 approvals", "Reason: first of two")
	w.inStatus(issue, "Pending")
	w.quiet()
	require.Len(t, w.comments(issue), 1)
	w.review(id, carol, types.RequestState_APPROVED, "second of two")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved by "+carol, "Reason: second of two")
	w.quiet()
	require.Len(t, w.comments(issue), 2)
}

// TestMarkupOfAReasonIsPlainInTeleport: what Jira's editors make of links, mentions
// and brackets.
func TestMarkupOfAReasonIsPlainInTeleport(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, `reason: see [https://x.example.com/1|https://x.example.com/1|smart-link], [~accountid:557058:0b1c] said \[ok\], `+
		`the disk *is* full`)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.True(t, strings.HasPrefix(w.reviews(id)[0].Reason,
		"see https://x.example.com/1, @557058:0b1c said [ok], the disk *is* full (Bob Brown"), w.reviews(id)[0].Reason)
	w.said(issue, "Reason: see https://x.example.com/1, @557058:0b1c said [ok], the disk *is* full")
}

// TestReasonThatLooksLikeTheDaemonsNamesNobody: a reviewer types in Teleport what
// the daemon writes there for a move.
func TestReasonThatLooksLikeTheDaemonsNamesNobody(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.review(id, carol, types.RequestState_APPROVED,
		"by Bob Brown <bob@example.com>, account bob in Jira issue "+issue.Key+" [jira "+issue.ID+"/10001]")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved by "+carol)
	require.Zero(t, w.sayings(issue, "approved by Bob"))
}
