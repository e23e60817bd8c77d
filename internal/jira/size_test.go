package jira_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// withoutRaceDetector skips a test that make sizes runs.
func withoutRaceDetector(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("too slow with the race detector, make sizes runs it without")
	}
}

// manyLabels are n labels, each of 200 characters.
func manyLabels(n int) []string {
	labels := make([]string, n)
	for i := range labels {
		labels[i] = fmt.Sprintf("%0200d", i)
	}
	return labels
}

// TestSearchGoesOnPastAnIssueThatIsTooLarge: 60,000 labels on one of seven
// issues. All others are listed with all there is to them, that one without its
// labels, and Jira counts as usable.
func TestSearchGoesOnPastAnIssueThatIsTooLarge(t *testing.T) {
	withoutRaceDetector(t)
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty)
			var want []string
			for i := range 7 {
				d := draft()
				d.Request.ID = access.RequestID(fmt.Sprint("0192-000", i))
				ref, err := b.c.CreateIssue(t.Context(), d)
				require.NoError(t, err)
				want = append(want, ref.ID)
			}
			require.NoError(t, b.SetLabels(want[3], fakejira.BobID, manyLabels(60_000)))
			for range 2 {
				var got []string
				for issue, err := range b.c.Search(t.Context(), access.IssueQuery{Statuses: []string{"Pending"}}) {
					require.NoError(t, err)
					if got = append(got, issue.Ref.ID); issue.Ref.ID == want[3] {
						require.Empty(t, issue.Labels)
						continue
					}
					require.Len(t, issue.Labels, 1)
				}
				require.Equal(t, want, got)
				require.NoError(t, b.c.Health())
			}
			require.Equal(t, 1, strings.Count(b.logs.String(), "read in parts"), "named once")
		})
	}
}

// TestLargeIssueIsReadInParts: what others piled up on a card, before and after
// the move, keeps neither the move nor the mover's reason from being read.
func TestLargeIssueIsReadInParts(t *testing.T) {
	withoutRaceDetector(t)
	for _, flavour := range flavours {
		for name, pileUp := range map[string]func(t *testing.T, b *bench, ref access.IssueRef){
			"comments": func(t *testing.T, b *bench, ref access.IssueRef) {
				for range 170 {
					_, err := b.AddComment(ref.ID, fakejira.CarolID, "reason: mine "+strings.Repeat("x", 32_000))
					require.NoError(t, err)
				}
			},
			"labels": func(t *testing.T, b *bench, ref access.IssueRef) {
				require.NoError(t, b.SetLabels(ref.ID, fakejira.CarolID, manyLabels(30_000)))
			},
			"history": func(t *testing.T, b *bench, ref access.IssueRef) {
				for i := range 20 {
					require.NoError(t, b.SetLabels(ref.ID, fakejira.CarolID, manyLabels(2000+i)))
				}
			},
		} {
			t.Run(flavour.String()+" "+name, func(t *testing.T) {
				b := start(t, flavour, faulty)
				ref, _ := b.issue(t)
				pileUp(t, b, ref)
				_, err := b.AddComment(ref.ID, fakejira.BobID, "reason: no")
				require.NoError(t, err)
				require.NoError(t, b.Drag(ref.ID, "Denied", fakejira.BobID))
				pileUp(t, b, ref)
				issue, err := b.c.Issue(t.Context(), ref.ID)
				require.NoError(t, err)
				require.Equal(t, "Denied", issue.Status.Name)
				require.Equal(t, requestID, issue.RequestID)
				require.NotNil(t, issue.LastChange)
				require.Equal(t, fakejira.BobID, issue.LastChange.By.ID)
				require.True(t, issue.LastChange.By.Active)
				require.Empty(t, issue.HistoryFault)
				require.Equal(t, "reason: no", issue.Comments[len(issue.Comments)-1].Body)
				for _, c := range issue.Comments {
					require.Equal(t, fakejira.BobID, c.Author.ID, "nobody else's is kept")
				}
				require.NoError(t, b.c.Health())
			})
		}
	}
}

// TestLongHistoryIsCutAndSaysSo: of more status changes than are kept the newest
// are known, and that there were others.
func TestLongHistoryIsCutAndSaysSo(t *testing.T) {
	withoutRaceDetector(t)
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty)
			ref, _ := b.issue(t)
			for range 1100 {
				require.NoError(t, b.Drag(ref.ID, "Denied", fakejira.CarolID))
				require.NoError(t, b.Drag(ref.ID, "Pending", fakejira.CarolID))
			}
			require.NoError(t, b.SetLabels(ref.ID, fakejira.CarolID, manyLabels(6000)))
			require.NoError(t, b.Drag(ref.ID, "Denied", fakejira.BobID))
			issue, err := b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Equal(t, access.HistoryCut, issue.HistoryFault)
			require.Len(t, issue.Changes, 1000)
			require.Equal(t, fakejira.BobID, issue.LastChange.By.ID)
		})
	}
}

// TestOwnCommentsAreFoundAmongLongOnes: the answer of a comment that was lost is
// looked for among more than one answer may hold.
func TestOwnCommentsAreFoundAmongLongOnes(t *testing.T) {
	withoutRaceDetector(t)
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty)
			ref, _ := b.issue(t)
			require.NoError(t, b.c.Connect(t.Context()))
			require.NoError(t, b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "review/0", Text: "denied"}))
			for range 170 {
				_, err := b.AddComment(ref.ID, fakejira.CarolID, strings.Repeat("あ", 32_000))
				require.NoError(t, err)
			}
			keys, err := b.c.CommentKeys(t.Context(), ref)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"review/0": true}, keys)
		})
	}
}

// TestAnswerThatIsTooLong: a read is not repeated, since it is as long the next
// time; a write may have had its effect.
func TestAnswerThatIsTooLong(t *testing.T) {
	withoutRaceDetector(t)
	b := start(t, fakejira.Cloud, faulty)
	ref, _ := b.issue(t)
	require.NoError(t, b.c.Connect(t.Context()))
	b.Inject(fakejira.Fault{Effect: fakejira.Oversize, Size: 11 << 20})
	b.ResetCalls()
	_, err := b.c.Issue(t.Context(), ref.ID)
	wantError(t, err, access.Permanent, false)
	require.Len(t, b.Calls(), 2, "the issue, and the issue without what people fill")
	b.ResetCalls()
	err = b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "t"})
	wantError(t, err, access.Temporary, true)
	require.Len(t, b.Calls(), 1)
}
