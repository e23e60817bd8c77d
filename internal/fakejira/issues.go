package fakejira

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Issue is an issue at one moment. Accounts are named by id.
type Issue struct {
	ID          string
	Key         string
	OldKeys     []string // keys it had before it was moved
	Project     string   // key
	Type        IssueType
	Summary     string
	Description string
	Status      Status
	Resolution  string // name; empty while unresolved
	Labels      []string
	Components  []string
	Priority    string // name
	Assignee    string
	Reporter    string
	Creator     string
	Fields      map[string]any // custom fields, as they were sent
	Properties  map[string]json.RawMessage
	Comments    []Comment // oldest first
	Changelog   []Change  // oldest first
	Created     time.Time
	Updated     time.Time
	StatusSince time.Time
	Resolved    time.Time
	Deleted     bool
}

// Comment is a comment on an issue.
type Comment struct {
	ID         string
	Author     string
	EditedBy   string // last; empty where nobody has
	Body       string
	Created    time.Time
	Properties map[string]json.RawMessage
	Internal   bool // a service desk note that customers don't see
	Visibility *Visibility
}

// Visibility restricts a comment to a group or role.
type Visibility struct {
	Type       string  `json:"type"`
	Value      string  `json:"value"`
	Identifier *string `json:"identifier,omitempty"`
}

// Change is a changelog entry: what one person changed at one moment.
type Change struct {
	ID     string
	Author string
	At     time.Time
	Items  []ChangeItem
}

// ChangeItem is one field's change. From and To are ids, nil where the field
// has none.
type ChangeItem struct {
	Field      string
	FieldID    string // shown on Cloud only
	From       *string
	FromString *string
	To         *string
	ToString   *string
}

// Move is a change of status.
type Move struct {
	ChangeID string
	Author   string
	At       time.Time
	From, To string // names
}

// Moves is the issue's status history, oldest first.
func (i Issue) Moves() []Move {
	var all []Move
	for _, c := range i.Changelog {
		for _, it := range c.Items {
			if it.Field == "status" {
				all = append(all, Move{ChangeID: c.ID, Author: c.Author, At: c.At, From: *it.FromString, To: *it.ToString})
			}
		}
	}
	return all
}

// record is an issue with those earlier versions that the index may still
// show. Versions are never changed, only added.
type record struct {
	versions []*version
}

type version struct {
	at    time.Time
	issue *Issue
}

func (r *record) current() *Issue { return r.versions[len(r.versions)-1].issue }

// asOf is the version that was current at the time; nil when there was none.
func (r *record) asOf(at time.Time) *Issue {
	for _, v := range slices.Backward(r.versions) {
		if !v.at.After(at) {
			return v.issue
		}
	}
	return nil
}

// store adds a version and drops those that no search can see any more.
func (s *Server) store(id int64, next *Issue, at time.Time) {
	r := s.issues[id]
	if r == nil {
		r = &record{}
		s.issues[id] = r
		s.order = append(s.order, r)
	}
	r.versions = append(r.versions, &version{at: at, issue: next})
	seen := at.Add(-s.opts.SearchLag)
	for len(r.versions) > 1 && !r.versions[1].at.After(seen) {
		r.versions = r.versions[1:]
	}
}

// edit makes the next version of an issue through change, with a changelog
// entry if items changed. It returns the version and the entry, or nil.
func (s *Server) edit(iss *Issue, actor string, at time.Time, items []ChangeItem, change func(*Issue)) (*Issue, *Change) {
	next := *iss
	next.Updated = at
	var entry *Change
	if len(items) > 0 {
		entry = &Change{ID: strconv.FormatInt(s.id("change"), 10), Author: actor, At: at, Items: items}
		next.Changelog = append(slices.Clip(next.Changelog), *entry)
	}
	change(&next)
	s.store(next.number(), &next, at)
	return &next, entry
}

// number is the issue's id as a number.
func (i *Issue) number() int64 {
	n, err := strconv.ParseInt(i.ID, 10, 64)
	if err != nil {
		panic("jira double gave an issue the id " + i.ID)
	}
	return n
}

// lookup finds a live issue by id, key or former key; nil when there is none.
func (s *Server) lookup(idOrKey string) *Issue {
	id, err := strconv.ParseInt(idOrKey, 10, 64)
	if err != nil {
		var known bool
		if id, known = s.byKey[strings.ToUpper(idOrKey)]; !known {
			return nil
		}
	}
	r := s.issues[id]
	if r == nil || r.current().Deleted {
		return nil
	}
	return r.current()
}

// visible is the issue that the path names, if the caller may see it.
func (s *Server) visible(c *call) (*Issue, bool) {
	iss := s.lookup(c.params["issue"])
	if iss == nil || !may(c.who, BrowseProjects, s.world.project(iss.Project)) {
		return nil, false
	}
	return iss, true
}

// issueKeyOf is the number of the issue that a call writes to; 0 when it
// writes to none.
func (s *Server) issueKeyOf(c *call) int64 {
	if c.r.Method == http.MethodGet {
		return 0
	}
	iss := s.lookup(c.params["issue"])
	if iss == nil {
		return 0
	}
	return iss.number()
}

// Issues are all issues in the order of their creation, deleted ones too.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Issue, 0, len(s.order))
	for _, r := range s.order {
		all = append(all, r.current().clone())
	}
	return all
}

// Issue is one issue by id, key or former key, deleted or not.
func (s *Server) Issue(idOrKey string) (Issue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.ParseInt(idOrKey, 10, 64)
	if err != nil {
		id = s.byKey[strings.ToUpper(idOrKey)]
	}
	r := s.issues[id]
	if r == nil {
		return Issue{}, fmt.Errorf("no issue %q", idOrKey)
	}
	return r.current().clone(), nil
}

// clone is a copy that shares nothing that could be changed.
func (i *Issue) clone() Issue {
	c := *i
	c.OldKeys = slices.Clone(i.OldKeys)
	c.Labels = slices.Clone(i.Labels)
	c.Components = slices.Clone(i.Components)
	c.Fields = maps.Clone(i.Fields)
	c.Properties = maps.Clone(i.Properties)
	c.Comments = slices.Clone(i.Comments)
	for n := range c.Comments {
		c.Comments[n].Properties = maps.Clone(c.Comments[n].Properties)
	}
	c.Changelog = slices.Clone(i.Changelog)
	return c
}

// newKey gives the next key in a project and notes whose it is.
func (s *Server) newKey(p *Project, id int64) string {
	s.lastNum[p.ID]++
	key := p.Key + "-" + strconv.Itoa(s.lastNum[p.ID])
	s.byKey[key] = id
	return key
}

// keysOf are the property keys in a stable order.
func keysOf(m map[string]json.RawMessage) []string {
	keys := slices.Collect(maps.Keys(m))
	sort.Strings(keys)
	return keys
}
