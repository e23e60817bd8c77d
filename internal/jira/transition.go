package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"teleport-jira/internal/access"
)

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
	status      access.Status
	transitions []transition
}

// Transition brings the issue into one of the statuses. Being there already, or
// finding that somebody else has just brought it there, is success with moved
// false. A workflow with steps between is gone through, never by way of a decisive
// status and for at most maxSteps. Jira shows only the steps open in the
// current status, so that an unknown workflow is explored: what was seen of it
// is remembered, and a blind alley is left the way it was entered. Where no way
// was open from, none is looked for again for an hour, unless other steps are
// open there by then. access.ErrNotReachable when no way is open.
func (c *Client) Transition(ctx context.Context, ref access.IssueRef, statuses []string) (bool, error) {
	k := call{op: "move issue", key: refName(ref), endpoint: "/issue/{issue}"}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	w := pathSearch{c: c, call: k, path: path, targets: statuses, seen: map[string]bool{}}
	return w.run(ctx)
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
func (w *pathSearch) position(ctx context.Context) (position, error) {
	k := w.call
	k.method, k.read = http.MethodGet, true
	k.path = w.path + query("fields", "status", "expand", "transitions,transitions.fields")
	var issue issueJSON
	if err := w.c.call(ctx, k, &issue); err != nil {
		return position{}, w.c.trueNotFound(ctx, err)
	}
	at := position{status: issue.Fields.Status.status()}
	w.c.names.saw(at.status)
	if at.status == (access.Status{}) {
		return position{}, k.error(access.Temporary, errNoIssue)
	}
	if issue.Transitions != nil {
		at.transitions = *issue.Transitions
		w.c.names.sawTargets(at.transitions)
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
	if err := w.c.call(ctx, k, &answer); err != nil {
		return position{}, w.c.trueNotFound(ctx, err)
	}
	at.transitions = answer.Transitions
	w.c.names.sawTargets(at.transitions)
	return at, nil
}

// execute makes a step. there is true when Jira refused it because the issue is
// in a target status already.
func (w *pathSearch) execute(ctx context.Context, from position, step transition) (there bool, err error) {
	k := w.call
	k.method, k.endpoint = http.MethodPost, "/issue/{issue}/transitions"
	k.path, k.issue, k.wantStatus = w.path+"/transitions", w.path, http.StatusNoContent
	if !isID(string(step.ID)) {
		return false, k.error(access.Temporary, fmt.Errorf("not a transition id: %.60q", string(step.ID)))
	}
	body := map[string]any{"transition": map[string]string{"id": string(step.ID)}}
	if fields := step.fill(); len(fields) > 0 {
		body["fields"] = fields
	}
	k.body = body
	err = w.c.call(ctx, k, nil)
	var failed *access.Error
	if !errors.As(err, &failed) || !w.mayHaveArrived(failed.Status) {
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

// mayHaveArrived tells of the statuses by which Jira refuses a step that somebody
// else has just made.
func (w *pathSearch) mayHaveArrived(status int) bool {
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
