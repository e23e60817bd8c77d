package jira

import (
	"errors"
	"net/http"

	"teleport-jira/internal/access"
	"teleport-jira/internal/ttlcache"
	"teleport-jira/internal/wikitext"
)

// maxWordings bounds of how many texts it is remembered that Jira failed on them.
const maxWordings = 10_000

// wordings remembers which texts Jira failed on. A database that can't store a
// character makes Jira answer 500, as it does when it is broken: only the same
// text failing again tells. Safe for concurrent use.
type wordings struct {
	failures *ttlcache.Cache[string, int]
}

func newWordings() wordings { return wordings{ttlcache.New[string, int](maxWordings, 0)} }

// first returns which of n wordings, the full one first, is to be sent now. The
// full one is sent twice before it is doubted; where none is taken, it is not
// the text that Jira fails on, and the full one's turn comes again.
func (w wordings) first(text string, n int) int {
	failed, _ := w.failures.Get(text)
	return max(0, failed%(n+1)-1)
}

// note remembers what came of the last wording sent.
func (w wordings) note(text string, err error) {
	if !isStatus(err, http.StatusInternalServerError) {
		w.failures.Delete(text)
		return
	}
	failed, _ := w.failures.Get(text)
	w.failures.Put(text, failed+1)
}

func isStatus(err error, status int) bool {
	var failed *access.Error
	return errors.As(err, &failed) && failed.Status == status
}

// wordingsOf are the ways to say a comment: in full, without what Jira may be
// unable to store, and in the daemon's own words.
func wordingsOf(n access.CommentDraft) []string {
	all := []string{n.Text}
	for _, text := range []string{wikitext.Storable(n.Text), n.Own} {
		if text != "" && text != all[len(all)-1] {
			all = append(all, text)
		}
	}
	return all
}
