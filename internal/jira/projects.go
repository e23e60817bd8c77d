package jira

import (
	"strings"
	"sync"

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
	names := make([]string, len(c.cfg.Projects))
	for i, key := range c.cfg.Projects {
		names[i] = key
		if id := c.projects.idOf(key); id != "" {
			names[i] = id
		}
	}
	return jqlList(names)
}

// summary is an issue as a search shows it.
func (c *Client) summaryOf(i issueJSON) access.IssueSummary {
	row := i.summary()
	row.Project = c.projectKey(i.Fields.Project)
	c.noteStatus(row.Status)
	return row
}
