package access

import "strings"

// Token returns what identifies a decision in the reason of the review that
// carries it, so that a review whose answer was lost is found again. Issue and changelog ids are
// Jira's and never reused. The token has to end the reason: what precedes it is
// text that people typed.
func (d Decision) Token() string {
	return "[jira " + strings.Join([]string{d.Issue.ID, d.ChangeID}, "/") + "]"
}
