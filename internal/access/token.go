package access

import (
	"regexp"
	"strings"
)

// Token returns what identifies a decision in the reason of the review that
// carries it, so that a review whose answer was lost is found again. Issue and changelog ids are
// Jira's and never reused. The token has to end the reason: what precedes it is
// text that people typed.
func (d Decision) Token() string {
	return "[jira " + strings.Join([]string{d.Issue.ID, d.ChangeID}, "/") + "]"
}

// ReasonAs returns the reason that Teleport keeps of a decision: the person's own
// words, who decided and where, and the token that ends it. given and who are cut
// and clean already.
func (d Decision) ReasonAs(given, who string) string {
	if d.Issue.Key != "" {
		who += inIssue + CleanLine(d.Issue.Key)
	}
	if given == "" {
		return "by " + who + " " + d.Token()
	}
	return given + " (" + who + ") " + d.Token()
}

const inIssue = " in Jira issue "

var (
	issueToken   = regexp.MustCompile(`^(.*) \[jira ([0-9]+)/[^\]\s]+\]$`)
	givenAndName = regexp.MustCompile(`^(.*) \((.*?)( in Jira issue [^ ()]+)?\)$`)
)

// SplitReason takes a reason apart that ReasonAs has made for a move of the issue
// with that id. ok is false for any other text.
func SplitReason(text, issueID string) (given, who string, ok bool) {
	parts := issueToken.FindStringSubmatch(CleanLine(text))
	if parts == nil || parts[2] != issueID {
		return "", "", false
	}
	if who, ok = strings.CutPrefix(parts[1], "by "); ok && !givenAndName.MatchString(parts[1]) {
		who, _, _ = strings.Cut(who, inIssue)
		return "", who, true
	}
	words := givenAndName.FindStringSubmatch(parts[1])
	if words == nil {
		return "", "", false
	}
	return words[1], words[2], true
}
