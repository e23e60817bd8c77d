package jira

import (
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
)

// maxStatusNames bounds how many statuses are remembered. Jira has fewer; of one
// that is not remembered it is not known what it was called before.
const maxStatusNames = 10_000

// statusNames remembers the name under which each status has been shown, and
// since when under no other. Administrators may rename statuses, and translate
// their names: a changelog then has another name than the issue beside it. Its
// methods may be called concurrently.
type statusNames struct {
	mu   sync.Mutex
	byID map[string]sighting // by status id; guarded by mu
}

// sighting is a name that a status is shown under.
type sighting struct {
	name  string
	since time.Time // by our clock, after the answer that showed it first
}

func newStatusNames() *statusNames { return &statusNames{byID: map[string]sighting{}} }

// saw notes the statuses of an answer that has just been read.
func (n *statusNames) saw(statuses ...access.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range statuses {
		seen, known := n.byID[s.ID]
		if s.ID == "" || s.Name == "" || known && seen.name == s.Name || !known && len(n.byID) >= maxStatusNames {
			continue
		}
		n.byID[s.ID] = sighting{name: s.Name, since: time.Now()}
	}
}

// sawTargets notes the statuses that steps lead to.
func (n *statusNames) sawTargets(steps []transition) {
	for _, step := range steps {
		n.saw(step.To.status())
	}
}

// since returns since when the status has been shown under its name only; the
// zero time when it has not, or when another status was last shown under the
// name that a changelog recorded, so that the two may have been exchanged.
func (n *statusNames) since(s access.Status, recorded string) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, other := range n.byID {
		if id != s.ID && strings.EqualFold(other.name, recorded) {
			return time.Time{}
		}
	}
	if seen := n.byID[s.ID]; seen.name == s.Name {
		return seen.since
	}
	return time.Time{}
}
