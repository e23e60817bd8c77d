package jira

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
)

// statuses are the workflow's statuses as they were called when the configuration
// was checked. An administrator may rename a status, and give its name to another
// one: the ids stay, and what a configured name meant then it means until the
// next start. Its methods may be called concurrently.
type statuses struct {
	mu     sync.Mutex
	byID   map[string]string // name at start by id; guarded by mu
	logged *logging.Once
}

func newStatuses() *statuses {
	return &statuses{byID: map[string]string{}, logged: logging.NewOnce(0)}
}

// learn notes a status of a workflow, under the name that it was seen with first.
func (s *statuses) learn(status access.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.byID[status.ID]; !known && isID(status.ID) && status.Name != "" && len(s.byID) < maxStatuses {
		s.byID[status.ID] = status.Name
	}
}

// name returns what a status was called; "" where it is not known.
func (s *statuses) name(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// ids returns the configured statuses by id, each name replaced by the ids of the
// statuses that had it. A name that none had stays as it is.
func (s *statuses) ids(configured []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, name := range configured {
		found := false
		for _, id := range slices.Sorted(maps.Keys(s.byID)) {
			if !isID(name) && strings.EqualFold(s.byID[id], name) {
				found = true
				if !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
		}
		if !found {
			out = append(out, name)
		}
	}
	return out
}

// StatusIDs returns the configured statuses by id, as far as Preflight saw which
// they are: names stay where no status had them.
func (c *Client) StatusIDs(configured []string) []string { return c.statuses.ids(configured) }

// namesOf are the names of configured statuses, for people to read.
func (c *Client) namesOf(configured []string) []string {
	names := make([]string, 0, len(configured))
	for _, one := range configured {
		if name := c.statuses.name(one); name != "" {
			one = name
		}
		if !slices.Contains(names, one) {
			names = append(names, one)
		}
	}
	return names
}

// isDecisive reports whether a status is one that settles requests.
func (c *Client) isDecisive(s access.Status) bool {
	return slices.ContainsFunc(c.statuses.ids(c.cfg.Decisive), s.Is)
}

// noteStatus says once that a status has another name now.
func (c *Client) noteStatus(s access.Status) {
	was := c.statuses.name(s.ID)
	if was == "" || s.Name == "" || was == s.Name || !c.statuses.logged.First(s.ID+" "+s.Name) {
		return
	}
	c.log.Warn("status has another name now and goes on meaning what it did: if the old name is in jira.statuses, correct it before the next start",
		"status_id", s.ID, "name", was, "new_name", s.Name)
}
