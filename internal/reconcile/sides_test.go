package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

const (
	project   = "TAR"
	issueType = "Task"
	reviewer  = "teleport-jira" // the daemon's Teleport user
)

var (
	pending  = access.Status{ID: "1", Name: "Pending"}
	approved = access.Status{ID: "2", Name: "Approved"}
	denied   = access.Status{ID: "3", Name: "Denied"}
	expired  = access.Status{ID: "4", Name: "Expired"}
	backlog  = access.Status{ID: "5", Name: "Backlog"}

	daemon = access.Actor{ID: "bot", DisplayName: "Bot", Type: access.AccountApp, Active: true}
	bob    = access.Actor{ID: "b1", Email: "bob@example.com", DisplayName: "Bob", Type: access.AccountPerson, Active: true}
	alice  = access.Actor{ID: "a1", Email: "alice@example.com", DisplayName: "Alice", Type: access.AccountPerson, Active: true}
)

func policy() plan.Policy {
	return plan.Policy{
		Statuses: plan.Statuses{
			access.Pending: {"Pending"}, access.Approved: {"Approved"}, access.Denied: {"Denied"},
			access.Expired: {"Expired"}, access.Promoted: {"Approved"},
		},
		Default: plan.Route{Project: project, IssueType: issueType},
		Review:  plan.ReviewRules{Mode: access.ModeReview},
	}
}

// calls are all calls to both sides, in their order, and the faults of the next.
type calls struct {
	mu     sync.Mutex
	made   []string // names
	faults map[string][]fault
}

// fault is what happens to one call, before and after its effect. An error of
// either is the call's.
type fault struct {
	before, after func(ctx context.Context) error
}

// next lets faults happen to the next calls of that name, one each.
func (c *calls) next(name string, faults ...fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == nil {
		c.faults = map[string][]fault{}
	}
	c.faults[name] = append(c.faults[name], faults...)
}

func (c *calls) count(name string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, made := range c.made {
		if made == name {
			n++
		}
	}
	return n
}

func (c *calls) do(ctx context.Context, name string, effect func() error) error {
	c.mu.Lock()
	c.made = append(c.made, name)
	var f fault
	if queued := c.faults[name]; len(queued) > 0 {
		f, c.faults[name] = queued[0], queued[1:]
	}
	c.mu.Unlock()
	if f.before != nil {
		if err := f.before(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return &access.Error{Op: name, Class: access.Temporary, Err: err}
	}
	c.mu.Lock()
	err := effect()
	c.mu.Unlock()
	if f.after != nil && err == nil {
		err = f.after(ctx)
	}
	return err
}

// The faults: refused leaves no effect, and the caller knows; lost and unsent
// are ambiguous to the caller, with and without the effect.
func refused(class access.Class) fault {
	return fault{before: func(context.Context) error {
		return &access.Error{Op: "call", Class: class, Err: errors.New("refused")}
	}}
}

func ambiguousError(context.Context) error {
	return &access.Error{Op: "call", Class: access.Temporary, Ambiguous: true, Err: errors.New("lost")}
}

func lost() fault   { return fault{after: ambiguousError} }
func unsent() fault { return fault{before: ambiguousError} }

// hanging lets a call wait for release, or for its context.
func hanging(release <-chan struct{}) fault {
	return fault{before: func(ctx context.Context) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return &access.Error{Op: "call", Class: access.Temporary, Err: ctx.Err()}
		}
	}}
}

// during lets something happen between the call and its effect.
func during(do func()) fault {
	return fault{before: func(context.Context) error { do(); return nil }}
}

func notFound(op string) error {
	return &access.Error{Op: op, Class: access.Permanent, Err: access.ErrNotFound}
}

// cluster is Teleport in memory.
type cluster struct {
	*calls
	requests map[access.RequestID]*access.Request
	records  map[access.RequestID]access.Record
	traits   map[string][]string // users by trait value
	rules    []access.MonitoringRule
	// userTraits are those of all users; nil: the daemon may not read them.
	userTraits map[string][]string
	locks      []access.Lock
}

func (c *cluster) RequestURL(id access.RequestID) string {
	return "https://teleport.example.com/" + string(id)
}

// ResourceNames names every resource alike.
func (c *cluster) ResourceNames(_ context.Context, req *access.Request) {
	for i := range req.Resources {
		req.Resources[i].Name = "node one"
	}
}

func (c *cluster) Request(ctx context.Context, id access.RequestID) (req *access.Request, err error) {
	err = c.do(ctx, "Request", func() error {
		stored, ok := c.requests[id]
		if !ok {
			return notFound("read request")
		}
		read := *stored
		read.Reviews = slices.Clone(stored.Reviews)
		req = &read
		return nil
	})
	return req, err
}

func (c *cluster) Requests(ctx context.Context) iter.Seq2[*access.Request, error] {
	return func(yield func(*access.Request, error) bool) {
		var all []access.Request
		err := c.do(ctx, "Requests", func() error {
			for _, req := range c.requests {
				all = append(all, *req)
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range all {
			if !yield(&all[i], nil) {
				return
			}
		}
	}
}

func (c *cluster) Record(ctx context.Context, id access.RequestID) (rec access.Record, err error) {
	err = c.do(ctx, "Record", func() error { rec = c.records[id]; return nil })
	return rec, err
}

func (c *cluster) SwapRecord(ctx context.Context, id access.RequestID, old, next access.Record) error {
	return c.do(ctx, "SwapRecord", func() error {
		stored, ok := c.records[id]
		if c.requests[id] == nil && !ok {
			return notFound("swap record")
		}
		if stored != old {
			return &access.Error{Op: "swap record", Key: string(id), Class: access.Temporary, Err: access.ErrConflict}
		}
		c.records[id] = next
		return nil
	})
}

func (c *cluster) Decide(ctx context.Context, d access.Decision) (out access.Outcome, err error) {
	err = c.do(ctx, "Decide", func() error {
		req := c.requests[d.RequestID]
		out = access.Outcome{Result: access.Submitted, Mode: access.ModeReview, Reviewer: reviewer}
		switch {
		case req == nil:
			out.Result = access.AlreadySettled
			return nil
		case req.State.Settled():
			out.Result = access.AlreadySettled
		case slices.ContainsFunc(req.Reviews, func(r access.Review) bool { return r.Author == reviewer }):
			out.Result = access.AlreadyReviewed
		default:
			c.review(req, access.Review{Author: reviewer, State: d.State, Reason: strings.TrimSpace(d.Reason + " " + d.Token())})
		}
		after := *req
		out.Request = &after
		return nil
	})
	return out, err
}

// review adds a review, and settles the request when there are enough.
func (c *cluster) review(req *access.Request, review access.Review) {
	req.Reviews = append(req.Reviews, review)
	needed := 1
	if len(req.Thresholds) > 0 {
		needed = req.Thresholds[0].Approve
	}
	given := 0
	for _, r := range req.Reviews {
		if r.State == review.State {
			given++
		}
	}
	if given >= needed {
		req.State, req.ResolveReason = review.State, review.Reason
	}
}

func (c *cluster) Lock(ctx context.Context, l access.Lock) error {
	return c.do(ctx, "Lock", func() error { c.locks = append(c.locks, l); return nil })
}

func (c *cluster) UsersByTrait(ctx context.Context, _, value string) (users []string, err error) {
	err = c.do(ctx, "UsersByTrait", func() error { users = c.traits[value]; return nil })
	return users, err
}

func (c *cluster) MonitoringRules(ctx context.Context) (rules []access.MonitoringRule, err error) {
	err = c.do(ctx, "MonitoringRules", func() error { rules = slices.Clone(c.rules); return nil })
	return rules, err
}

func (c *cluster) UserTraits(ctx context.Context, _ string) (traits map[string][]string, known bool, err error) {
	err = c.do(ctx, "UserTraits", func() error { traits, known = c.userTraits, c.userTraits != nil; return nil })
	return traits, known, err
}

// tracker is Jira in memory.
type tracker struct {
	*calls
	issues      []*issue
	start       access.Status // of new issues
	searchLag   time.Duration // until a new issue shows in searches
	showCluster bool          // searches answer the cluster's property, as on Cloud
	unreachable []string      // statuses to which no transition leads
	groups      map[string]bool
	unusable    map[string]string // why no issue can be made, by project
	included    []string          // projects that searches look in, too
	users       map[string]bool   // accounts that Jira finds under some handle
	accounts    map[string]string // of requesters, by Teleport user
	changes     int
}

type issue struct {
	access.Issue
	createdAt  time.Time
	updated    time.Time
	resources  []access.Resource // as the draft names them
	createdFor access.RequestID
	keys       []string      // of the daemon's comments
	access     access.Period // what the comments say of it
	deleted    bool
}

func (t *tracker) find(idOrKey string) *issue {
	for _, i := range t.issues {
		if !i.deleted && (i.Ref.ID == idOrKey || i.Ref.Key == idOrKey) {
			return i
		}
	}
	return nil
}

// add makes an issue as anybody could.
func (t *tracker) add(i issue) *issue {
	n := len(t.issues) + 1
	i.Ref = access.IssueRef{ID: fmt.Sprint(10000 + n), Key: fmt.Sprint("TAR-", n)}
	i.Project, i.createdAt, i.updated = project, time.Now(), time.Now()
	if i.Status == (access.Status{}) {
		i.Status = t.start
	}
	t.issues = append(t.issues, &i)
	return &i
}

// change brings an issue into a status.
func (t *tracker) change(i *issue, by access.Actor, to access.Status) {
	t.changes++
	i.LastChange = &access.StatusChange{ID: fmt.Sprint(t.changes), By: by, At: time.Now(), From: i.Status, To: to, Project: i.Project}
	i.Changes = append([]access.StatusChange{*i.LastChange}, i.Changes...)
	i.Status, i.updated = to, time.Now()
}

// on is a call about one issue, which has to be there.
func (t *tracker) on(ctx context.Context, name, idOrKey string, effect func(i *issue) error) error {
	return t.do(ctx, name, func() error {
		i := t.find(idOrKey)
		if i == nil {
			return notFound(name)
		}
		return effect(i)
	})
}

func (t *tracker) CreateIssue(ctx context.Context, d access.Draft) (ref access.IssueRef, err error) {
	err = t.do(ctx, "CreateIssue", func() error {
		i := t.add(issue{createdFor: d.Request.ID, resources: slices.Clone(d.Request.Resources), Issue: access.Issue{
			RequestID: d.Request.ID, Cluster: d.Cluster, Labels: append([]string{d.Request.ID.Label()}, d.Labels...),
		}})
		i.Summary, i.Project = d.Request.User+" requested", d.Project
		ref = i.Ref
		return nil
	})
	return ref, err
}

func (t *tracker) search(want func(*issue) bool) (found []access.IssueSummary) {
	for _, i := range t.issues {
		if !i.deleted && time.Since(i.createdAt) >= t.searchLag && want(i) {
			summary := access.IssueSummary{
				Ref: i.Ref, Project: i.Project, Status: i.Status, Labels: i.Labels, RequestID: i.RequestID, Updated: i.updated,
			}
			if t.showCluster {
				summary.Cluster = i.Cluster
			}
			found = append(found, summary)
		}
	}
	return found
}

func (t *tracker) FindIssues(ctx context.Context, id access.RequestID) (found []access.IssueSummary, err error) {
	err = t.do(ctx, "FindIssues", func() error {
		found = t.search(func(i *issue) bool {
			return slices.ContainsFunc(i.Labels, func(l string) bool { return strings.EqualFold(l, id.Label()) })
		})
		return nil
	})
	return found, err
}

func (t *tracker) CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (yes bool, err error) {
	err = t.on(ctx, "CreatedFor", ref.ID, func(i *issue) error { yes = i.createdFor == d.Request.ID; return nil })
	return yes, err
}

func (t *tracker) Issue(ctx context.Context, idOrKey string) (read *access.Issue, err error) {
	err = t.on(ctx, "Issue", idOrKey, func(i *issue) error { shown := i.Issue; shown.ReadAt = time.Now(); read = &shown; return nil })
	return read, err
}

func (t *tracker) CommentKeys(ctx context.Context, ref access.IssueRef) (keys map[string]bool, err error) {
	err = t.on(ctx, "CommentKeys", ref.ID, func(i *issue) error {
		keys = map[string]bool{}
		for _, key := range i.keys {
			keys[key] = true
		}
		return nil
	})
	return keys, err
}

func (t *tracker) AccessOf(ctx context.Context, ref access.IssueRef) (period access.Period, err error) {
	err = t.on(ctx, "AccessOf", ref.ID, func(i *issue) error { period = i.access; return nil })
	return period, err
}

func (t *tracker) Comment(ctx context.Context, ref access.IssueRef, d access.CommentDraft) error {
	return t.on(ctx, "Comment", ref.ID, func(i *issue) error {
		i.keys = append(i.keys, d.DedupKey)
		if d.Access.Until != 0 {
			i.access = d.Access
		}
		i.Comments = append(i.Comments, access.Comment{Author: daemon, Body: d.Text, Created: time.Now()})
		return nil
	})
}

func (t *tracker) RestoreText(ctx context.Context, ref access.IssueRef, d access.Draft) error {
	return t.on(ctx, "RestoreText", ref.ID, func(i *issue) error {
		t.edit(i, daemon, d.Request.User+" requested")
		return nil
	})
}

// edit gives an issue another summary.
func (t *tracker) edit(i *issue, by access.Actor, summary string) {
	if i.Summary == summary {
		return
	}
	t.changes++
	edit := access.TextEdit{ID: fmt.Sprint(t.changes), By: by, At: time.Now()}
	i.Summary, i.TextEdits = summary, slices.Concat([]access.TextEdit{edit}, i.TextEdits)
	i.updated = time.Now()
}

func (t *tracker) Transition(ctx context.Context, ref access.IssueRef, statuses []string) (moved bool, err error) {
	err = t.on(ctx, "Transition", ref.ID, func(i *issue) error {
		if slices.ContainsFunc(statuses, i.Status.Is) {
			return nil
		}
		if slices.Contains(t.unreachable, statuses[0]) {
			return &access.Error{Op: "move issue", Class: access.Permanent, Err: access.ErrUnreachable}
		}
		for _, to := range []access.Status{pending, approved, denied, expired} {
			if to.Is(statuses[0]) {
				t.change(i, daemon, to)
				moved = true
			}
		}
		return nil
	})
	return moved, err
}

func (t *tracker) Reserve(ctx context.Context, ref access.IssueRef, holder string) error {
	return t.on(ctx, "Reserve", ref.ID, func(i *issue) error { i.Holder = holder; return nil })
}

func (t *tracker) Search(ctx context.Context, q access.IssueQuery) iter.Seq2[access.IssueSummary, error] {
	return func(yield func(access.IssueSummary, error) bool) {
		var found []access.IssueSummary
		err := t.do(ctx, "Search", func() error {
			found = t.search(func(i *issue) bool {
				return (len(q.Statuses) == 0 || slices.ContainsFunc(q.Statuses, i.Status.Is)) &&
					!slices.ContainsFunc(q.NotStatuses, i.Status.Is) &&
					(q.UpdatedSince == 0 || time.Since(i.updated) <= q.UpdatedSince)
			})
			return nil
		})
		if err != nil {
			yield(access.IssueSummary{}, err)
			return
		}
		for _, s := range found {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (t *tracker) Usable(ctx context.Context, project, _ string) (why string, err error) {
	err = t.do(ctx, "Usable", func() error { why = t.unusable[project]; return nil })
	return why, err
}

func (t *tracker) Include(project string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.included, project) {
		t.included = append(t.included, project)
	}
}

func (t *tracker) InGroups(ctx context.Context, who access.Actor, _ []string) (in bool, err error) {
	err = t.do(ctx, "InGroups", func() error { in = t.groups[who.ID]; return nil })
	return in, err
}

func (t *tracker) RequesterAccount(ctx context.Context, user string) (account string, err error) {
	err = t.do(ctx, "RequesterAccount", func() error { account = t.accounts[user]; return nil })
	return account, err
}

func (t *tracker) IsUser(ctx context.Context, who access.Actor, _ string) (is bool, err error) {
	err = t.do(ctx, "IsUser", func() error { is = t.users[who.ID]; return nil })
	return is, err
}
