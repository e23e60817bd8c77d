package jira

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/preflight"
)

const (
	// usableTTL is how long a project that was found usable is taken to be so:
	// a query that names one that is gone is refused as a whole.
	usableTTL = 10 * time.Minute
	// unusableTTL is how long one that was not is not asked for again.
	unusableTTL = time.Minute
	// maxFurther bounds how many projects there may be beside the configured ones.
	maxFurther = 200
)

// furtherProjects are projects beside the configured ones that issues have been, or
// are to be, made in. Its methods may be called concurrently.
type furtherProjects struct {
	mu     sync.Mutex
	byKey  map[string]furtherProject // guarded by mu
	types  map[Target]usability      // guarded by mu
	logged *logging.Once
}

// furtherProject is what is known of a project, and until when; nothing where that
// is zero.
type furtherProject struct {
	there bool
	until time.Time
}

// usability is what was found out of a project and an issue type: why no issue can
// be made; "" where one can.
type usability struct {
	why   string
	until time.Time
}

func newFurtherProjects() *furtherProjects {
	return &furtherProjects{byKey: map[string]furtherProject{}, types: map[Target]usability{}, logged: logging.NewOnce(0)}
}

// add notes a project to be looked in once it is proven to be there.
func (f *furtherProjects) add(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.byKey[key]; !known && len(f.byKey) < maxFurther {
		f.byKey[key] = furtherProject{}
	}
}

// prove notes whether a project is there.
func (f *furtherProjects) prove(key string, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.byKey[key]; !known && len(f.byKey) >= maxFurther {
		return
	}
	f.byKey[key] = furtherProject{there, time.Now().Add(usableTTL)}
}

// proven are the projects that are known to be there, in order.
func (f *furtherProjects) proven() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for key, project := range f.byKey {
		if project.there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// stale are the projects of which that is to be found out.
func (f *furtherProjects) stale() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for key, project := range f.byKey {
		if time.Now().After(project.until) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (f *furtherProjects) usability(t Target) (v usability, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok = f.types[t]
	return v, ok && time.Now().Before(v.until)
}

func (f *furtherProjects) setUsability(t Target, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.types) >= maxFurther {
		clear(f.types)
	}
	ttl := usableTTL
	if why != "" {
		ttl = unusableTTL
	}
	f.types[t] = usability{why, time.Now().Add(ttl)}
}

// Include has searches look in a project beside the configured ones, from when it
// is proven to be there. It makes no call.
func (c *Client) Include(project string) {
	if !slices.Contains(c.cfg.Projects, project) {
		c.further.add(project)
	}
}

// Usable reports why no issue of the type can be made in the project; "" where one
// can. A usable project is looked in by searches from then on. The answer is kept
// for some minutes. An error means that Jira could not be asked.
func (c *Client) Usable(ctx context.Context, project, issueType string) (why string, err error) {
	t := Target{Project: project, IssueType: issueType}
	if v, ok := c.further.usability(t); ok {
		return v.why, nil
	}
	p := &checker{c: c}
	found, err := p.project(ctx, project)
	if err == nil && found {
		_, _, err = p.issueType(ctx, t)
	}
	if err != nil {
		return "", err
	}
	for _, f := range p.findings {
		if f.Level == preflight.Failure {
			why = cmp.Or(why, f.Name+": "+f.Detail)
		}
	}
	why = access.CleanLine(why)
	c.further.setUsability(t, why)
	if !slices.Contains(c.cfg.Projects, project) && (why == "" || !found) {
		c.further.prove(project, why == "")
	}
	return why, nil
}

// proveFurther finds out which of the further projects are there, of which that
// is not known any more. One that can't be asked for now stays as it was.
func (c *Client) proveFurther(ctx context.Context) {
	for _, key := range c.further.stale() {
		p := &checker{c: c}
		var project projectJSON
		refused, err := p.ask(ctx, "/project/{project}", "/project/"+key, &project)
		if err != nil {
			continue
		}
		c.further.prove(key, refused == "")
		if refused == "" {
			c.projects.resolve(key, string(project.ID))
			continue
		}
		if c.further.logged.First(key) {
			c.log.Warn("project of an access monitoring rule is gone or hidden, its issues are not looked for", "project", key, "error", strings.TrimSpace(refused))
		}
	}
}
