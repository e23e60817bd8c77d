package jira

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"

	"teleport-jira/internal/access"
)

// maxExamples bounds how many statuses an example issue is looked for.
const maxExamples = 30

// workflowCheck is what issues show of the way through an issue type's workflow.
type workflowCheck struct {
	target   Target
	statuses []access.Status // all that the issue type has
	shown    map[string]bool // ids of statuses whose transitions are known
	seen     workflows
	initial  access.Status // where the newest issue landed; zero when unknown
}

// workflow finds out which of the configured statuses can be reached. Jira
// shows transitions to an account without administration rights only on an
// issue, so that one issue in each status is looked at. Where there is none,
// nothing is proven, and the finding says so.
func (p *checker) workflow(ctx context.Context, t Target, typeID string, known []access.Status) error {
	w := &workflowCheck{target: t, statuses: known, shown: map[string]bool{}}
	scope := "project = " + quoteJQL(t.Project) + " AND issuetype = " + typeID
	for _, s := range known[:min(len(known), maxExamples)] {
		if !isID(s.ID) {
			continue
		}
		if err := p.example(ctx, w, scope+" AND status = "+s.ID); err != nil {
			return err
		}
	}
	if err := p.readInitial(ctx, w, scope); err != nil {
		return err
	}
	if w.initial.ID == "" || len(w.shown) == 0 {
		p.warn(fmt.Sprintf("workflow of %s in %s", t.IssueType, t.Project),
			"not provable: Jira shows transitions on issues only, and there is none to look at",
			"make an issue by hand, move it through all statuses and back, and check again")
		return nil
	}
	p.reachable(w, w.initial, access.Pending)
	pending := w.first(p.want.Statuses[access.Pending])
	for _, state := range slices.Sorted(maps.Keys(p.want.Statuses)) {
		if state != access.Pending && pending.ID != "" {
			p.reachable(w, pending, state)
		}
	}
	return nil
}

// first is the first of the configured statuses that the workflow has.
func (w *workflowCheck) first(configured []string) access.Status {
	for _, name := range configured {
		if i := slices.IndexFunc(w.statuses, func(s access.Status) bool { return s.Is(name) }); i >= 0 {
			return w.statuses[i]
		}
	}
	return access.Status{}
}

// find is the newest issue that matches, as search shows it, or nil.
func (p *checker) find(ctx context.Context, jql string) (*issueJSON, error) {
	k := call{op: "check jira", method: http.MethodPost, endpoint: "/search", read: true}
	if info := p.c.server.Load(); info != nil && info.cloud {
		k.endpoint = "/search/jql"
	}
	k.path, k.body = k.endpoint, searchBody{JQL: jql + " ORDER BY created DESC", Fields: []string{"status"}, MaxResults: 1}
	var page searchPage
	err := p.c.call(ctx, k, &page)
	switch {
	case access.ClassOf(err) == access.Permanent && err != nil:
		return nil, nil //nolint:nilerr // what can't be searched shows nothing, and the findings say so
	case err != nil || len(page.Issues) == 0:
		return nil, err
	}
	return &page.Issues[0], nil
}

// newest reads the status of the newest issue that matches, and what else is
// to be expanded; nil where no issue can be read.
func (p *checker) newest(ctx context.Context, jql, expand string) (*issueJSON, error) {
	found, err := p.find(ctx, jql)
	if err != nil || found == nil {
		return nil, err
	}
	path, err := refPath(found.ref())
	if err != nil {
		return nil, nil //nolint:nilerr // an issue that can't be named shows nothing
	}
	var issue issueJSON
	refused, err := p.ask(ctx, "/issue/{issue}", path+query("fields", "status", "expand", expand), &issue)
	if err != nil || refused != "" {
		return nil, err
	}
	return &issue, nil
}

// example reads the transitions of one issue that matches.
func (p *checker) example(ctx context.Context, w *workflowCheck, jql string) error {
	issue, err := p.newest(ctx, jql, "transitions")
	if err != nil || issue == nil || issue.Transitions == nil {
		return err
	}
	at := position{status: issue.Fields.Status.status(), transitions: *issue.Transitions}
	w.seen.learn(at)
	w.shown[at.status.ID] = true
	return nil
}

// readInitial reads where the newest issue landed when it was made.
func (p *checker) readInitial(ctx context.Context, w *workflowCheck, jql string) error {
	issue, err := p.newest(ctx, jql, "changelog")
	if err != nil || issue == nil {
		return err
	}
	w.initial = issue.Fields.Status.status()
	if issue.Changelog == nil {
		return nil
	}
	entries := issue.Changelog.all()
	if issue.Changelog.Total > len(entries) {
		w.initial = access.Status{}
		return nil
	}
	slices.SortStableFunc(entries, func(a, b history) int { return a.Created.Compare(b.Created.Time) })
	for _, entry := range entries {
		for _, item := range entry.Items {
			if item.isStatus() {
				w.initial = item.from()
				return nil
			}
		}
	}
	return nil
}

// reachable reports whether a status of the state can be reached.
func (p *checker) reachable(w *workflowCheck, from access.Status, state access.State) {
	configured := p.want.Statuses[state]
	if w.first(configured).ID == "" {
		return // The check of the statuses has said so.
	}
	isTarget := func(s access.Status) bool { return slices.ContainsFunc(configured, s.Is) }
	isClosed := p.c.isDecisive
	check := fmt.Sprintf("way from %q to %s in %s", from.Name, state, w.target.Project)
	steps := w.seen.distance(from, isTarget, isClosed)
	blank := w.withoutExample(from, isTarget, isClosed)
	switch {
	case steps == 0:
		p.ok(check, "new issues land there")
	case steps < math.MaxInt:
		p.ok(check, fmt.Sprintf("in steps: %d, as issues show them to this account", steps))
	case len(blank) > 0:
		p.warn(check, fmt.Sprintf("not provable: Jira shows transitions on issues only, and there is no %s in %q", w.target.IssueType, blank),
			"make an issue by hand, move it through these statuses, and check again")
	default:
		p.fail(check, fmt.Sprintf("no transition open to this account leads to %q", configured),
			"add a transition to the workflow, or grant "+p.c.Self().Handle()+" the ones that are there")
	}
}

// withoutExample are the statuses that can be reached from a status and whose
// transitions no issue showed.
func (w *workflowCheck) withoutExample(from access.Status, isTarget, isClosed func(access.Status) bool) []string {
	var names []string
	for _, s := range append([]access.Status{from}, w.statuses...) {
		if w.shown[s.ID] || slices.Contains(names, s.Name) || isTarget(s) || s.ID != from.ID && isClosed(s) {
			continue
		}
		is := func(o access.Status) bool { return o.ID == s.ID }
		if w.seen.distance(from, is, isClosed) < math.MaxInt {
			names = append(names, s.Name)
		}
	}
	return names
}
