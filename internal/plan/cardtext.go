package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// RestoreText writes the issue's summary and description as the daemon makes
// them. Where its account may not, nothing else is kept from being done.
type RestoreText struct {
	Draft access.Draft
	Edit  string // changelog id of the edit that is undone
}

func (RestoreText) action() {}

// textPhrase marks the comment that says what a request really is for. It has no
// character that wiki markup escapes.
const textPhrase = "This is what the request is for, whatever the issue says"

// authorizeText checks that the issue's text is what the daemon wrote, or was
// explained since it was edited last: who moves a card decides what they have
// read.
func authorizeText(s Snapshot, change access.StatusChange) Refusal {
	edit := othersEdit(s)
	switch {
	case edit == nil:
		return ""
	case edit.ID == "" || edit.ID != s.Record.TextConfirmed:
		return RefusedText
	case change.At.Before(explainedAt(s, *edit)):
		return RefusedText // Made between the look that led to the comment, and the comment.
	}
	return ""
}

// othersEdit returns the newest edit of the issue's text by another account than
// the daemon's; nil when there is none.
func othersEdit(s Snapshot) *access.TextEdit {
	for i, edit := range s.Issue.TextEdits {
		if !edit.By.Same(s.Self) {
			return &s.Issue.TextEdits[i]
		}
	}
	return nil
}

// explainedAt returns when a comment first said, after the edit, what the request
// is for; zero where no such comment has been read.
func explainedAt(s Snapshot, edit access.TextEdit) time.Time {
	for _, c := range s.Issue.Comments {
		edited := c.EditedBy.ID != "" && !c.EditedBy.Same(s.Self)
		if c.Author.Same(s.Self) && !edited && !c.Created.Before(edit.At) && strings.Contains(c.Body, textPhrase) {
			return c.Created
		}
	}
	return time.Time{}
}

// planRestore restores the issue's text once its edit has been explained.
func (p Policy) planRestore(s Snapshot, b *builder) {
	if len(s.Issue.TextEdits) == 0 || s.Issue.TextEdits[0].By.Same(s.Self) || !p.mayDecideIn(s, s.Issue.Project) {
		return
	}
	if edit := s.Issue.TextEdits[0].ID; edit != "" && edit == b.record.TextConfirmed && edit != s.TextLeft {
		b.add(RestoreText{Draft: p.draft(s), Edit: edit}, nil)
	}
}

// textRefusal explains that the issue's text was edited, and what the request is
// for.
func textRefusal(s Snapshot) string {
	by, at := "somebody else", ""
	if edit := othersEdit(s); edit != nil {
		if edit.By.ID != "" {
			by = edit.By.String()
		}
		if !edit.At.IsZero() {
			at = " at " + edit.At.UTC().Format(time.RFC1123)
		}
	}
	return fmt.Sprintf("its summary or description was edited by %s%s, so it may not say what is asked for. "+
		"A move that is made from now on counts, as long as nobody edits them again.\n%s:\n%s", by, at, textPhrase, requestFacts(s.Request))
}

// factSize is each list's share of a comment, in bytes.
const factSize = 4000

// requestFacts says what a request asks for, a line for each fact.
func requestFacts(req *access.Request) string {
	lines := []string{"User: " + access.CleanLine(req.User)}
	add := func(label, value string) {
		if value != "" {
			lines = append(lines, label+": "+value)
		}
	}
	roles := access.List(req.Roles, factSize)
	if roles == "" {
		roles = "none"
	}
	add("Roles", roles)
	add("Access until", moment(req.AccessExpires, req.Created))
	add("Max duration", moment(req.MaxDuration, req.Created))
	add("Session TTL", moment(req.SessionTTL, req.Created))
	add("Access starts", moment(req.AssumeStart, time.Time{}))
	if n := len(req.Resources); n > 0 {
		add(fmt.Sprintf("Resources (%d)", n), access.List(resourceNames(req.Resources), factSize))
	}
	return strings.Join(lines, "\n")
}

func resourceNames(resources []access.Resource) []string {
	names := make([]string, 0, len(resources))
	for _, r := range resources {
		name := r.Kind + " " + r.ID
		if r.Name != "" && r.Name != r.ID {
			name = r.Kind + " " + r.Name + " (" + r.ID + ")"
		}
		names = append(names, name)
	}
	return names
}

// moment is a time as people read it, with how long after the start it is.
func moment(at, start time.Time) string {
	if at.IsZero() {
		return ""
	}
	text := at.UTC().Format(time.RFC1123)
	if length := at.Sub(start).Round(time.Minute); !start.IsZero() && length > 0 {
		text += " (" + strings.TrimSuffix(length.String(), "0s") + ")"
	}
	return text
}

// CardDigest names the text of an issue as it was read: the first 16 hex digits
// of the SHA-256 of summary, a zero byte and description; "" where none was read.
func CardDigest(issue *access.Issue) string {
	if issue == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(issue.Summary + "\x00" + issue.Description))
	return hex.EncodeToString(sum[:8])
}
