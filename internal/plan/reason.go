package plan

import (
	"regexp"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

var (
	reasonLine = regexp.MustCompile(`(?im)^[ \t*_]*(?:reason|resolution)[ \t*_]*:[ \t*_]*(\S.*)$`)
	reasonHead = regexp.MustCompile(`(?ims)^[ \t*_]*(?:reason|resolution)[ \t*_]*:[ \t*_]*\r?\n\s*(\S.*)`)
)

// MaxReason is the longest reason that is carried to Teleport, in characters.
const MaxReason = 2000

// Reason returns the reason that a person gave for a status change: from the newest of their
// own comments that has a line "reason: …" or "resolution: …", or such a line
// followed by text. Comments by anybody else never count, nor do those that
// anybody else edited last.
func Reason(comments []access.Comment, who access.Actor) string {
	for _, c := range slices.Backward(comments) {
		if !c.Author.Same(who) || c.EditedBy.ID != "" && !c.EditedBy.Same(who) {
			continue
		}
		if reason := ParseReason(c.Body); reason != "" {
			return reason
		}
	}
	return ""
}

// ParseReason returns the reason in one comment, without characters that deceive;
// "" when it has none.
func ParseReason(body string) string {
	match := reasonLine.FindStringSubmatch(body)
	if match == nil {
		match = reasonHead.FindStringSubmatch(body)
	}
	if match == nil {
		return ""
	}
	return cut(strings.TrimSpace(access.Clean(match[1])), MaxReason)
}

// cut shortens s to at most n characters and shows that it did.
func cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
