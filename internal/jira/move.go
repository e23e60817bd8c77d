package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// mostSteps is how long a way through a workflow may be.
const mostSteps = 8

// transition is a step that this account may take now. Fields are those on its
// screen; nil where Jira did not say.
type transition struct {
	ID     text                       `json:"id"`
	Name   text                       `json:"name"`
	To     statusJSON                 `json:"to"`
	Fields map[string]transitionField `json:"fields"`
}

type transitionField struct {
	Required      bool `json:"required"`
	HasDefault    bool `json:"hasDefaultValue"`
	AllowedValues []struct {
		ID   text `json:"id"`
		Name text `json:"name"`
	} `json:"allowedValues"`
}

// position is where an issue is and where it can go from there.
type position struct {
	status access.Status
	open   []transition
}

// Move brings the issue into one of the statuses. Being there already, or
// finding that somebody else has just brought it there, is success with moved
// false. A workflow with steps between is walked, never through a decisive
// status and for at most mostSteps. Jira shows only the steps open in the
// current status, so that an unknown workflow is explored: what was seen of it
// is remembered, and a blind alley is left the way it was entered. Where no way
// was open from, none is looked for again for an hour, unless other steps are
// open there by then. access.ErrNotReachable when no way is open.
func (c *Client) Transition(ctx context.Context, ref access.IssueRef, statuses []string) (bool, error) {
	k := call{op: "move issue", key: name(ref), endpoint: "/issue/{issue}"}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	w := walk{c: c, call: k, path: path, targets: statuses, seen: map[string]bool{}}
	return w.run(ctx)
}

// walk is one Move.
type walk struct {
	c       *Client
	call    call
	path    string
	targets []string
	trail   []string        // ids of the statuses that lead back
	seen    map[string]bool // ids of the statuses that the walk has been in
}

func (w *walk) run(ctx context.Context) (bool, error) {
	at, err := w.position(ctx)
	if err != nil {
		return false, err
	}
	start := w.place(at)
	if w.c.flow.isStuck(start) {
		return false, w.unreachable(at)
	}
	moved, err := w.explore(ctx, at)
	if errors.Is(err, access.ErrUnreachable) {
		w.c.flow.noteStuck(start)
	}
	return moved, err
}

// explore walks on from where the issue is.
func (w *walk) explore(ctx context.Context, at position) (moved bool, err error) {
	for range mostSteps {
		if w.isTarget(at.status) {
			return len(w.seen) > 0, nil
		}
		w.c.flow.learn(at)
		w.seen[at.status.ID] = true
		step, ok := w.choose(at)
		if !ok {
			return false, w.unreachable(at)
		}
		there, err := w.take(ctx, at, step)
		switch {
		case err != nil:
			return false, err
		case there:
			return false, nil
		case w.isTarget(step.To.status()):
			return true, nil
		}
		if at, err = w.position(ctx); err != nil {
			return false, err
		}
	}
	return false, w.unreachable(at)
}

// place names the issue, where it is, what is open there and where it shall go.
func (w *walk) place(at position) string {
	parts := append([]string{w.path, at.status.ID}, w.targets...)
	for _, t := range at.open {
		parts = append(parts, string(t.ID))
	}
	return strings.Join(parts, "\x00")
}

func (w *walk) isTarget(s access.Status) bool { return slices.ContainsFunc(w.targets, s.Is) }

// isClosed tells whether a status is no way to anywhere.
func (w *walk) isClosed(s access.Status) bool {
	return w.seen[s.ID] || slices.ContainsFunc(w.c.cfg.Decisive, s.Is)
}

func (w *walk) unreachable(at position) error {
	open := make([]string, 0, len(at.open))
	for _, t := range at.open {
		open = append(open, string(t.To.Name))
	}
	return w.call.error(access.Permanent, fmt.Errorf("%w: from %q to %q, open are %q",
		access.ErrUnreachable, at.status.Name, w.targets, open))
}

// choose takes a step to the first target that is open, in the order in which
// the targets are configured; else the most promising step to a status not yet
// seen; else the step back.
func (w *walk) choose(at position) (transition, bool) {
	steps := slices.SortedStableFunc(slices.Values(at.open), func(a, b transition) int {
		return cmp.Compare(a.missing(), b.missing())
	})
	for _, target := range w.targets {
		for _, t := range steps {
			if t.To.status().Is(target) {
				return t, true
			}
		}
	}
	onward := slices.DeleteFunc(slices.Clone(steps), func(t transition) bool { return w.isClosed(t.To.status()) })
	if len(onward) > 0 {
		w.trail = append(w.trail, at.status.ID)
		return slices.MinFunc(onward, func(a, b transition) int {
			return cmp.Or(cmp.Compare(w.distance(a), w.distance(b)), cmp.Compare(a.rank(), b.rank()))
		}), true
	}
	if len(w.trail) == 0 {
		return transition{}, false
	}
	back := w.trail[len(w.trail)-1]
	w.trail = w.trail[:len(w.trail)-1]
	for _, t := range steps {
		if string(t.To.ID) == back {
			return t, true
		}
	}
	return transition{}, false
}

// distance is how far a target is known to be behind a step.
func (w *walk) distance(t transition) int {
	return w.c.flow.distance(t.To.status(), w.isTarget, w.isClosed)
}

// rank prefers statuses of work in progress to those of work not begun, and
// those to finished ones, as a way to somewhere else.
func (t transition) rank() int {
	return slices.Index([]string{"done", "new", "indeterminate"}, string(t.To.Category.Key)) * -1
}

// missing counts the required fields that the daemon can't fill.
func (t transition) missing() int {
	n := 0
	for id, field := range t.Fields {
		if field.Required && !field.HasDefault && id != "resolution" {
			n++
		}
	}
	return n
}

// position reads status and open transitions in one call.
func (w *walk) position(ctx context.Context) (position, error) {
	k := w.call
	k.method, k.read = http.MethodGet, true
	k.path = w.path + query("fields", "status", "expand", "transitions,transitions.fields")
	var issue issueJSON
	if err := w.c.do(ctx, k, &issue); err != nil {
		return position{}, w.c.trueNotFound(ctx, err)
	}
	at := position{status: issue.Fields.Status.status()}
	if at.status == (access.Status{}) {
		return position{}, k.error(access.Temporary, errNoIssue)
	}
	if issue.Transitions != nil {
		at.open = *issue.Transitions
		return at, nil
	}
	if w.isTarget(at.status) {
		return at, nil
	}
	var answer struct {
		Transitions []transition `json:"transitions"`
	}
	k.endpoint = "/issue/{issue}/transitions"
	k.path = w.path + "/transitions" + query("expand", "transitions.fields")
	if err := w.c.do(ctx, k, &answer); err != nil {
		return position{}, w.c.trueNotFound(ctx, err)
	}
	at.open = answer.Transitions
	return at, nil
}

// take makes a step. there is true when Jira refused it because the issue is
// in a target status already.
func (w *walk) take(ctx context.Context, from position, step transition) (there bool, err error) {
	k := w.call
	k.method, k.endpoint = http.MethodPost, "/issue/{issue}/transitions"
	k.path, k.issue, k.done = w.path+"/transitions", w.path, http.StatusNoContent
	if !isID(string(step.ID)) {
		return false, k.error(access.Temporary, fmt.Errorf("not a transition id: %.60q", string(step.ID)))
	}
	body := map[string]any{"transition": map[string]string{"id": string(step.ID)}}
	if fields := step.fill(); len(fields) > 0 {
		body["fields"] = fields
	}
	k.body = body
	err = w.c.do(ctx, k, nil)
	var failed *access.Error
	if !errors.As(err, &failed) || !w.mayBeThere(failed.Status) {
		return false, w.c.trueNotFound(ctx, err)
	}
	at, readErr := w.position(ctx)
	switch {
	case readErr != nil: // the first fault tells more
	case w.isTarget(at.status):
		return true, nil
	case at.status.ID != from.status.ID:
		failed.Class, failed.Ambiguous = access.Temporary, false // moved meanwhile: from there it may go
	}
	return false, failed
}

// mayBeThere tells of the statuses by which Jira refuses a step that somebody
// else has just made.
func (w *walk) mayBeThere(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	case http.StatusInternalServerError:
		info := w.c.server.Load()
		return info == nil || !info.cloud
	}
	return false
}

// fill gives the fields that a step asks for and that the daemon can choose:
// a resolution, where it is required and on the screen.
func (t transition) fill() map[string]any {
	resolution, ok := t.Fields["resolution"]
	if !ok || !resolution.Required || len(resolution.AllowedValues) == 0 {
		return nil
	}
	chosen := resolution.AllowedValues[0]
	for _, v := range resolution.AllowedValues {
		if v.Name == "Done" {
			chosen = v
		}
	}
	if chosen.ID != "" {
		return map[string]any{"resolution": map[string]string{"id": string(chosen.ID)}}
	}
	return map[string]any{"resolution": map[string]string{"name": string(chosen.Name)}}
}
