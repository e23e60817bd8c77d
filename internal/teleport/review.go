package teleport

import (
	"errors"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protowire"

	"teleport-jira/internal/access"
)

// Longest texts that are passed on, in runes. The cluster keeps them in the
// request and in its audit log.
const (
	maxReason = 2000
	maxPerson = 200
)

// Fields of AccessReview that the client's version does not know yet.
const (
	fieldSubmittedBy protowire.Number = 11 // string: who submitted it
	fieldOnBehalf    protowire.Number = 12 // bool: the author is somebody else
)

// onBehalfFields encodes that submitter submits a review for its author. The
// bytes go along as unknown fields of the message.
func onBehalfFields(submitter string) []byte {
	b := protowire.AppendTag(nil, fieldSubmittedBy, protowire.BytesType)
	b = protowire.AppendString(b, submitter)
	b = protowire.AppendTag(b, fieldOnBehalf, protowire.VarintType)
	return protowire.AppendVarint(b, 1)
}

// reviewReason is the reason that the cluster keeps: the person's own words,
// who decided and where, and last the token that finds it again.
func reviewReason(d access.Decision) string {
	who := oneLine(d.By.String(), maxPerson)
	if d.Issue.Key != "" {
		who += " in Jira issue " + oneLine(d.Issue.Key, maxPerson)
	}
	given := cut(strings.TrimSpace(d.Reason), maxReason)
	if given == "" {
		return "by " + who + " " + d.Token()
	}
	return given + " (" + who + ") " + d.Token()
}

// oneLine keeps a name that people chose from breaking out of its line.
func oneLine(s string, n int) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(visible), " "), n)
}

// plainWords is what Teleport said, without the operation around it.
func plainWords(err error) string {
	var c *cause
	if errors.As(err, &c) {
		return c.words
	}
	return err.Error()
}
