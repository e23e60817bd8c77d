package plan

import (
	"fmt"
	"strings"

	"teleport-jira/internal/access"
)

// The beginnings of dedup keys.
const (
	reviewPrefix     = "review/"
	answerPrefix     = "move/"
	resolutionPrefix = "resolution/"
)

// IsReview reports whether a dedup key is that of a comment about a review.
func IsReview(dedupKey string) bool { return strings.HasPrefix(dedupKey, reviewPrefix) }

// IsAnswer reports whether a dedup key is that of the comment that answers a
// status change.
func IsAnswer(dedupKey string) bool { return strings.HasPrefix(dedupKey, answerPrefix) }

// OwnWords is what a comment says where Jira stores nothing of what people
// typed: plain ASCII, and where to read the rest.
func OwnWords(dedupKey, url string) string {
	text := "The answer to the last change of this issue's status can't be stored in Jira."
	switch {
	case IsReview(dedupKey):
		text = "This request was reviewed. Jira can't store the text of the review."
	case dedupKey == EndKey:
		text = "The access of this request has ended. Jira can't store the text about it."
	case strings.HasPrefix(dedupKey, resolutionPrefix):
		text = fmt.Sprintf("This Access Request is now %s. Jira can't store the text about it.", strings.TrimPrefix(dedupKey, resolutionPrefix))
	}
	if url != "" {
		text += " It can be read in Teleport: " + url
	}
	return text
}

// UnmovedText says on an issue that it should be elsewhere, and why it is not.
func UnmovedText(to access.State, why string) string {
	return fmt.Sprintf("This issue could not be moved to the status for %s requests: %s. Somebody has to move it by hand.", to, why)
}

// CommentStep is a step that writes a comment and changes nothing in the record,
// which the steps before it lead to.
func CommentStep(rec access.Record, d access.CommentDraft) Step {
	b := &builder{record: rec}
	b.add(Comment{d}, nil)
	return b.steps[0]
}

// Writes reports whether the step writes the comment with the dedup key.
func (s Step) Writes(dedupKey string) bool {
	switch do := s.Do.(type) {
	case EndAccess:
		return do.Comment.DedupKey == dedupKey
	case Comment:
		return do.Draft.DedupKey == dedupKey
	case Refuse:
		return do.Comment.DedupKey == dedupKey
	}
	return false
}
