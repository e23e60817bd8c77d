package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestEditedTextDecidesNothingUntilItIsExplained: what was read is what is
// approved.
func TestEditedTextDecidesNothingUntilItIsExplained(t *testing.T) {
	edit := func(id string, by access.Actor, at time.Duration) access.TextEdit {
		return access.TextEdit{ID: id, By: by, At: now.Add(at)}
	}
	explained := func(at time.Duration, by, editedBy access.Actor) access.Comment {
		text := explanation(t)
		return access.Comment{Author: by, EditedBy: editedBy, Body: text, Created: now.Add(at)}
	}
	refused := "refuse text_edited, move pending, restore "
	for name, c := range map[string]struct {
		edits     []access.TextEdit // newest first
		confirmed string
		comments  []access.Comment
		want      string
	}{
		"as the daemon wrote it":            {nil, "", nil, "approved by b1"},
		"restored by the daemon":            {[]access.TextEdit{edit("60", self, -time.Minute)}, "", nil, "approved by b1"},
		"edited before the move":            {[]access.TextEdit{edit("50", alice, -time.Minute)}, "", nil, refused + "50"},
		"edited after the move":             {[]access.TextEdit{edit("80", alice, time.Minute)}, "", nil, refused + "80"},
		"edited by the one who decides":     {[]access.TextEdit{edit("50", bob, -time.Minute)}, "", nil, refused + "50"},
		"edited and put back by hand":       {[]access.TextEdit{edit("51", alice, -time.Minute), edit("50", alice, -2*time.Minute)}, "", nil, refused + "51"},
		"edited by nobody known":            {[]access.TextEdit{edit("50", access.Actor{}, -time.Minute)}, "", nil, refused + "50"},
		"edit without an id":                {[]access.TextEdit{edit("", alice, -time.Minute)}, "", nil, "refuse text_edited, move pending"},
		"explained, and not restored":       {[]access.TextEdit{edit("50", alice, -time.Minute)}, "50", nil, "approved by b1"},
		"explained and restored":            {[]access.TextEdit{edit("60", self, -time.Minute), edit("50", alice, -2*time.Minute)}, "50", nil, "approved by b1"},
		"restored, and not explained":       {[]access.TextEdit{edit("60", self, -time.Minute), edit("50", alice, -2*time.Minute)}, "", nil, "refuse text_edited, move pending"},
		"edited again since":                {[]access.TextEdit{edit("61", alice, -time.Minute), edit("50", alice, -2*time.Minute)}, "50", nil, refused + "61"},
		"explained before the move":         {[]access.TextEdit{edit("50", alice, -2*time.Minute)}, "50", []access.Comment{explained(-time.Minute, self, self)}, "approved by b1"},
		"moved before it was explained":     {[]access.TextEdit{edit("50", alice, -2*time.Minute)}, "50", []access.Comment{explained(time.Minute, self, self)}, refused + "50"},
		"the explanation is somebody's":     {[]access.TextEdit{edit("50", alice, -2*time.Minute)}, "50", []access.Comment{explained(time.Minute, bob, bob)}, "approved by b1"},
		"the first explanation was altered": {[]access.TextEdit{edit("50", alice, -3*time.Minute)}, "50", []access.Comment{explained(-time.Minute, self, alice), explained(time.Minute, self, self)}, refused + "50"},
	} {
		t.Run(name, func(t *testing.T) {
			v := edited(c.edits...)
			v.Record.TextConfirmed, v.Issue.Comments = c.confirmed, c.comments
			s := settings()
			require.Equal(t, c.want, brief(s.Plan(v)))
			v.Issue.Status, v.Issue.LastChange.To = denied, denied
			want := map[bool]string{true: "denied by b1", false: c.want}[c.want == "approved by b1"]
			require.Equal(t, want, brief(s.Plan(v)), "denying asks for the same")
		})
	}
}

// edited is a pending request whose issue bob approved, with edits of its text.
func edited(edits ...access.TextEdit) plan.Snapshot {
	v := plan.Snapshot{
		ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob),
		Person: &plan.Person{}, Self: self, Reviewer: "bot", Now: now,
	}
	v.Issue.LastChange.At, v.Issue.TextEdits = now, edits
	return v
}

func explanation(t *testing.T) string {
	t.Helper()
	return settings().Plan(edited(access.TextEdit{ID: "1", By: alice}))[0].Do.(plan.Refuse).Comment.Text
}

func TestExplanationSaysWhatTheRequestIsFor(t *testing.T) {
	v := edited(access.TextEdit{ID: "50", By: alice, At: now})
	v.Request.Roles = []string{"root-prod", "dba"}
	v.Request.MaxDuration = v.Request.Created.Add(8 * time.Hour)
	for i := range 3 {
		v.Request.Resources = append(v.Request.Resources, access.Resource{Kind: "node", ID: fmt.Sprint("n", i), Name: fmt.Sprint("web-", i)})
	}
	steps := settings().Plan(v)
	text := steps[0].Do.(plan.Refuse).Comment.Text
	for _, part := range []string{
		"edited by Alice <alice@example.com>", "User: alice@example.com", "Roles: root-prod, dba", "Max duration:", "(8h0m)",
		"Resources (3): node web-0 (n0), node web-1 (n1), node web-2 (n2)", "A move that is made from now on counts",
	} {
		require.Contains(t, text, part)
	}
	require.Equal(t, "50", steps[0].Then.TextConfirmed)
	require.Equal(t, "77", steps[0].Then.HandledChange)
}

// TestTextIsRestoredOnceAndOnlyAfterItWasExplained, also where the explanation
// was written by a worker that died before it restored.
func TestTextIsRestoredOnceAndOnlyAfterItWasExplained(t *testing.T) {
	v := edited(access.TextEdit{ID: "50", By: alice, At: now})
	v.Issue.Status, v.Issue.LastChange = pending, nil
	s := settings()
	require.Empty(t, brief(s.Plan(v)), "an edit alone is nobody's decision")
	v.Record.TextConfirmed = "50"
	require.Equal(t, "restore 50", brief(s.Plan(v)))
	v.TextLeft = "50"
	require.Empty(t, brief(s.Plan(v)))
	v.TextLeft, v.Issue.Project = "", "EVIL"
	require.NotContains(t, brief(s.Plan(v)), "restore")
}

// TestDecisionThatTeleportHasIsNotCalledNone: the text was edited after it had
// been submitted.
func TestDecisionThatTeleportHasIsNotCalledNone(t *testing.T) {
	v := edited(access.TextEdit{ID: "80", By: alice, At: now})
	d := settings().Plan(edited())[0].Do.(plan.Decide).Decision
	v.Request.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: d.Token()}}
	v.Record.ReviewsCount = 1
	require.Equal(t, "found approved by b1", brief(settings().Plan(v)))
}

func TestCardDigestNamesTheText(t *testing.T) {
	require.Empty(t, plan.CardDigest(nil))
	a := plan.CardDigest(&access.Issue{Summary: "a", Description: "b"})
	require.Len(t, a, 16)
	require.Equal(t, a, plan.CardDigest(&access.Issue{Summary: "a", Description: "b"}))
	require.NotEqual(t, a, plan.CardDigest(&access.Issue{Summary: "ab"}))
}
