package jira

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
)

// projects are the configured projects by what does not change: an administrator
// may give a project another key, and its old one to another project. Everything
// above this package knows a project by the key that is configured for it. Its
// methods may be called concurrently.
type projects struct {
	mu         sync.Mutex
	configured map[string]string // key as configured, by id; guarded by mu
	ids        map[string]string // id by key as configured, in upper case; guarded by mu
	renamed    *logging.Once
}

func newProjects() *projects {
	return &projects{configured: map[string]string{}, ids: map[string]string{}, renamed: logging.NewOnce(0)}
}

// resolve notes the id that a configured key leads to. The first one stays: the
// key may be given to another project later.
func (p *projects) resolve(key, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.ids[strings.ToUpper(key)]; known || !isID(id) {
		return
	}
	p.ids[strings.ToUpper(key)] = id
	if _, known := p.configured[id]; !known {
		p.configured[id] = key
	}
}

// idOf returns the id of a configured project; "" where it is not known.
func (p *projects) idOf(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[strings.ToUpper(key)]
}

// configuredKey returns the key by which a project is configured. A project that
// has the key of a configured one without being it is named by its id.
func (p *projects) configuredKey(shown projectJSON) (key string, isRenamed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shown.ID == "" {
		return string(shown.Key), false
	}
	if key, known := p.configured[string(shown.ID)]; known {
		return key, !strings.EqualFold(key, string(shown.Key)) && shown.Key != ""
	}
	if _, taken := p.ids[strings.ToUpper(string(shown.Key))]; taken {
		return "project " + string(shown.ID), false
	}
	return string(shown.Key), false
}

// projectKey is configuredKey, and says once that a project has another key now.
func (c *Client) projectKey(shown projectJSON) string {
	key, isRenamed := c.projects.configuredKey(shown)
	if isRenamed && c.projects.renamed.First(string(shown.ID)+" "+string(shown.Key)) {
		c.log.Warn("project has another key now and goes on being used: write it into the configuration",
			"project", key, "new_key", string(shown.Key), "project_id", string(shown.ID))
	}
	return key
}

// projectRef names a configured project in a new issue, by its id where that is
// known.
func (c *Client) projectRef(key string) map[string]string {
	if id := c.projects.idOf(key); id != "" {
		return map[string]string{"id": id}
	}
	return map[string]string{"key": key}
}

// projectList names the configured projects in a query, by their ids where those
// are known.
func (c *Client) projectList() string {
	keys := slices.Concat(c.cfg.Projects, c.further.proven())
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key
		if id := c.projects.idOf(key); id != "" {
			names[i] = id
		}
	}
	return jqlList(names)
}

// summaryOf is an issue as a search shows it.
func (c *Client) summaryOf(i issueJSON) access.IssueSummary {
	row := i.summary()
	row.Project = c.projectKey(i.Fields.Project)
	c.noteStatus(row.Status)
	return row
}

// issueTypes are the ids of the configured issue types as they were called when
// the configuration was checked: one that is renamed goes on being used. Its
// methods may be called concurrently.
type issueTypes struct {
	mu  sync.Mutex
	ids map[Target]string // guarded by mu
}

func newIssueTypes() *issueTypes { return &issueTypes{ids: map[Target]string{}} }

// resolve notes the id that a configured name leads to.
func (t *issueTypes) resolve(target Target, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ids[target] = id
}

// ref names the issue type in a new issue, by its id where that is known.
func (t *issueTypes) ref(target Target) map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return nameOrID(cmp.Or(t.ids[target], target.IssueType))
}

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
