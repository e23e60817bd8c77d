package jira

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// mostExamples bounds how many statuses an example issue is looked for.
const mostExamples = 30

// token says what is known of the token. No API of Jira tells an account when
// the token that it used expires.
func (p *preflight) token() {
	kind := "API token or password"
	if p.c.cfg.Username == "" {
		kind = "personal access token"
	}
	p.ok("token", fmt.Sprintf("the %s is accepted now; Jira does not tell when it expires, so note the day", kind))
}

// groups proves that the groups are there and that the account may read whose
// they are. Jira shows neither to accounts that may not browse users.
func (p *preflight) groups(ctx context.Context) error {
	if len(p.want.Groups) == 0 && !p.want.Recognise {
		return nil
	}
	const browse = "USER_PICKER"
	have, gone, err := p.granted(ctx, "", []string{browse})
	if err != nil {
		return err
	}
	check := "permission " + browse
	switch missing := gone != "" || !have[browse]; {
	case missing && len(p.want.Groups) == 0:
		p.warn(check, "missing: people whose e-mail Jira hides can't be told from the requester, and can't decide",
			"grant "+p.c.Self().Handle()+" the global permission to browse users and groups, or name people in review.users")
		return nil
	case missing:
		p.fail(check, "missing: the groups of people can't be read, and nobody in review.approver_groups can decide",
			"grant "+p.c.Self().Handle()+" the global permission to browse users and groups")
		return nil
	}
	p.ok(check, "granted: people can be looked up")
	for _, group := range p.want.Groups {
		if err := p.group(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

func (p *preflight) group(ctx context.Context, group string) error {
	check := "group " + group
	if groupIDPattern.MatchString(group) {
		p.warn(check, "given by its id, which can't be looked up without administration rights",
			"make sure of it, or give the group's name")
		return nil
	}
	var found struct {
		Groups []groupJSON `json:"groups"`
	}
	gone, err := p.ask(ctx, "/groups/picker", "/groups/picker"+query("query", group, "maxResults", "50"), &found)
	if err != nil {
		return err
	}
	is := func(g groupJSON) bool { return strings.EqualFold(string(g.Name), group) }
	if gone != "" || !slices.ContainsFunc(found.Groups, is) {
		p.fail(check, "not found, or hidden from "+p.c.Self().Handle(), "correct review.approver_groups")
		return nil
	}
	p.ok(check, "found")
	return nil
}

// people looks up the accounts that the configuration names. One that is not
// found costs nothing but itself: the others decide, and issues are made.
func (p *preflight) people(ctx context.Context) error {
	for _, handle := range p.want.People {
		check := "account " + handle
		who, err := p.c.User(ctx, handle)
		switch {
		case errors.Is(err, access.ErrNotFound):
			p.warn(check, "not found, found more than once, or hidden from "+p.c.Self().Handle(),
				"correct it, or name the account by its id, under jira.issue.assignee, review.approvers and review.users")
		case access.ClassOf(err) == access.Permanent && err != nil:
			p.warn(check, err.Error(), "grant "+p.c.Self().Handle()+" the global permission to browse users and groups")
		case err != nil:
			return err
		case !who.Active:
			p.warn(check, "not active", "take it out, or activate it")
		default:
			p.ok(check, "found: "+who.String())
		}
	}
	return nil
}

// workflow is what issues show of the way through an issue type's workflow.
type workflow struct {
	target   Target
	statuses []access.Status // all that the issue type has
	shown    map[string]bool // ids of statuses whose transitions are known
	flow     flow
	landing  access.Status // where the newest issue landed; zero when unknown
}

// workflow finds out which of the configured statuses can be reached. Jira
// shows transitions to an account without administration rights only on an
// issue, so that one issue in each status is looked at. Where there is none,
// nothing is proven, and the finding says so.
func (p *preflight) workflow(ctx context.Context, t Target, typeID string, known []access.Status) error {
	w := &workflow{target: t, statuses: known, shown: map[string]bool{}}
	scope := "project = " + quoteJQL(t.Project) + " AND issuetype = " + typeID
	for _, s := range known[:min(len(known), mostExamples)] {
		if !isID(s.ID) {
			continue
		}
		if err := p.example(ctx, w, scope+" AND status = "+s.ID); err != nil {
			return err
		}
	}
	if err := p.landed(ctx, w, scope); err != nil {
		return err
	}
	if w.landing.ID == "" || len(w.shown) == 0 {
		p.warn(fmt.Sprintf("workflow of %s in %s", t.IssueType, t.Project),
			"not provable: Jira shows transitions on issues only, and there is none to look at",
			"make an issue by hand, move it through all statuses and back, and check again")
		return nil
	}
	p.way(w, w.landing, access.Pending)
	pending := w.first(p.want.Statuses[access.Pending])
	for _, state := range slices.Sorted(maps.Keys(p.want.Statuses)) {
		if state != access.Pending && pending.ID != "" {
			p.way(w, pending, state)
		}
	}
	return nil
}

// first is the first of the configured statuses that the workflow has.
func (w *workflow) first(configured []string) access.Status {
	for _, name := range configured {
		if i := slices.IndexFunc(w.statuses, func(s access.Status) bool { return s.Is(name) }); i >= 0 {
			return w.statuses[i]
		}
	}
	return access.Status{}
}

// find is the newest issue that matches, as search shows it, or nil.
func (p *preflight) find(ctx context.Context, jql string) (*issueJSON, error) {
	k := call{op: "check jira", method: http.MethodPost, endpoint: "/search", read: true}
	if info := p.c.server.Load(); info != nil && info.cloud {
		k.endpoint = "/search/jql"
	}
	k.path, k.body = k.endpoint, searchBody{JQL: jql + " ORDER BY created DESC", Fields: []string{"status"}, MaxResults: 1}
	var page searchPage
	err := p.c.do(ctx, k, &page)
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
func (p *preflight) newest(ctx context.Context, jql, expand string) (*issueJSON, error) {
	found, err := p.find(ctx, jql)
	if err != nil || found == nil {
		return nil, err
	}
	path, err := refPath(found.ref())
	if err != nil {
		return nil, nil //nolint:nilerr // an issue that can't be named shows nothing
	}
	var issue issueJSON
	gone, err := p.ask(ctx, "/issue/{issue}", path+query("fields", "status", "expand", expand), &issue)
	if err != nil || gone != "" {
		return nil, err
	}
	return &issue, nil
}

// example reads the transitions of one issue that matches.
func (p *preflight) example(ctx context.Context, w *workflow, jql string) error {
	issue, err := p.newest(ctx, jql, "transitions")
	if err != nil || issue == nil || issue.Transitions == nil {
		return err
	}
	at := position{status: issue.Fields.Status.status(), open: *issue.Transitions}
	w.flow.learn(at)
	w.shown[at.status.ID] = true
	return nil
}

// landed reads where the newest issue landed when it was made.
func (p *preflight) landed(ctx context.Context, w *workflow, jql string) error {
	issue, err := p.newest(ctx, jql, "changelog")
	if err != nil || issue == nil {
		return err
	}
	w.landing = issue.Fields.Status.status()
	if issue.Changelog == nil {
		return nil
	}
	entries := issue.Changelog.all()
	if issue.Changelog.Total > len(entries) {
		w.landing = access.Status{}
		return nil
	}
	slices.SortStableFunc(entries, func(a, b history) int { return a.Created.Compare(b.Created.Time) })
	for _, entry := range entries {
		for _, item := range entry.Items {
			if item.isStatus() {
				w.landing = item.from()
				return nil
			}
		}
	}
	return nil
}

// way says whether a status of the state can be reached.
func (p *preflight) way(w *workflow, from access.Status, state access.State) {
	configured := p.want.Statuses[state]
	if w.first(configured).ID == "" {
		return // The check of the statuses has said so.
	}
	isTarget := func(s access.Status) bool { return slices.ContainsFunc(configured, s.Is) }
	isClosed := func(s access.Status) bool { return slices.ContainsFunc(p.c.cfg.Decisive, s.Is) }
	check := fmt.Sprintf("way from %q to %s in %s", from.Name, state, w.target.Project)
	steps := w.flow.distance(from, isTarget, isClosed)
	blank := w.unknown(from, isTarget, isClosed)
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

// unknown are the statuses that can be reached from a status and whose
// transitions no issue showed.
func (w *workflow) unknown(from access.Status, isTarget, isClosed func(access.Status) bool) []string {
	var names []string
	for _, s := range append([]access.Status{from}, w.statuses...) {
		if w.shown[s.ID] || slices.Contains(names, s.Name) || isTarget(s) || s.ID != from.ID && isClosed(s) {
			continue
		}
		is := func(o access.Status) bool { return o.ID == s.ID }
		if w.flow.distance(from, is, isClosed) < math.MaxInt {
			names = append(names, s.Name)
		}
	}
	return names
}
