package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// requestProperty is the issue property that names the request.
const requestProperty = "teleportAccessRequestId"

// snapshot returns the state of both sides as the page shows it.
func (w *world) snapshot() View {
	v := View{
		Cluster:  clusterName,
		Users:    requesters(),
		People:   []Person{},
		Columns:  []string{},
		Requests: w.requests(),
		Cards:    []Card{},
	}
	project := board().Projects[0]
	v.Project = project.Key + ", " + project.Name
	for _, status := range project.Workflow.Statuses {
		v.Columns = append(v.Columns, status.Name)
	}
	for _, id := range actors() {
		v.People = append(v.People, w.people[id])
	}
	for _, issue := range w.jira.Issues() {
		if !issue.Deleted {
			v.Cards = append(v.Cards, w.card(issue, v.Requests))
		}
	}
	return v
}

// requests returns all requests that were ever made, newest first.
func (w *world) requests() []Request {
	live := w.cluster.Requests()
	audit, locked := w.cluster.Audit(), w.locked()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, request := range live {
		id := request.GetName()
		seen[id] = true
		if _, known := w.known[id]; !known {
			w.order = append(w.order, id)
		}
		w.known[id] = viewRequest(request, audit)
	}
	all := make([]Request, 0, len(w.order))
	for _, id := range slices.Backward(w.order) {
		request := w.known[id]
		switch {
		case locked[id]:
			request.State = "locked"
		case !seen[id] && request.State == "pending":
			request.State = "expired"
		case !seen[id] && request.State == "approved" && time.Now().Before(request.AccessExpires):
			request.State = "deleted"
		case !seen[id] && request.State == "approved":
			request.State = "ended"
		}
		all = append(all, request)
	}
	return all
}

// viewRequest returns a request as the page shows it. Who did what comes from the audit trail, which
// also knows on whose behalf.
func viewRequest(request *types.AccessRequestV3, audit []faketeleport.AuditEvent) Request {
	view := Request{
		ID:      request.GetName(),
		User:    request.GetUser(),
		Roles:   request.GetRoles(),
		Reason:  request.GetRequestReason(),
		State:   stateName(request.GetState()),
		Created: request.GetCreationTime(),
		Expires: request.Expiry(), AccessExpires: request.GetAccessExpiry(),
		Reviews: []Review{}, Resources: []string{},
	}
	for _, resource := range request.GetRequestedResourceIDs() {
		view.Resources = append(view.Resources, resource.Kind+" "+resource.Name)
	}
	for _, threshold := range request.GetThresholds() {
		view.Needs = max(view.Needs, int(threshold.Approve))
	}
	for _, event := range audit {
		if event.RequestID != view.ID {
			continue
		}
		switch event.Type {
		case faketeleport.AuditReview:
			view.Reviews = append(view.Reviews, Review{
				Author: event.User, SubmittedBy: event.SubmittedBy, State: stateName(event.Proposed), Reason: event.Reason, At: event.Time,
			})
		case faketeleport.AuditUpdate:
			view.ResolvedBy = event.User
			if event.Delegator != "" {
				view.ResolvedBy += " for " + event.Delegator
			}
		default:
		}
	}
	return view
}

func stateName(state types.RequestState) string {
	switch state {
	case types.RequestState_APPROVED:
		return "approved"
	case types.RequestState_DENIED:
		return "denied"
	case types.RequestState_PROMOTED:
		return "promoted"
	default:
		return "pending"
	}
}

// card returns an issue as the page shows it.
func (w *world) card(issue fakejira.Issue, requests []Request) Card {
	card := Card{
		ID: issue.ID, Key: issue.Key, Summary: issue.Summary, Status: issue.Status.Name,
		Description: issue.Description, Comments: []Comment{}, Moves: []Move{},
	}
	for _, comment := range issue.Comments {
		card.Comments = append(card.Comments, Comment{Author: w.people[comment.Author], Body: comment.Body, At: comment.Created})
	}
	for _, change := range issue.Changelog {
		for _, item := range change.Items {
			if item.Field == "status" && item.FromString != nil && item.ToString != nil {
				card.Moves = append(card.Moves, Move{By: w.people[change.Author], From: *item.FromString, To: *item.ToString, At: change.At})
			}
		}
	}
	card.Returned = takenBack(card.Moves, card.Comments)
	var id string
	if json.Unmarshal(issue.Properties[requestProperty], &id) != nil {
		return card
	}
	for i := range requests {
		if requests[i].ID == id {
			card.Request = &requests[i]
		}
	}
	return card
}

// reasonDelay is how long after it took a move back the daemon's comment on
// that may still be written.
const reasonDelay = 10 * time.Second

// takenBack returns the last move, if it is the daemon undoing somebody's, with
// what the daemon wrote about it; otherwise nil.
func takenBack(moves []Move, comments []Comment) *Return {
	if len(moves) < 2 {
		return nil
	}
	undone, back := moves[len(moves)-2], moves[len(moves)-1]
	if back.By.ID != fakejira.BotID || undone.By.ID == fakejira.BotID || back.To != undone.From {
		return nil
	}
	var why []string
	for _, comment := range comments {
		if comment.Author.ID == fakejira.BotID && !comment.At.Before(undone.At) && !comment.At.After(back.At.Add(reasonDelay)) {
			why = append(why, comment.Body)
		}
	}
	return &Return{By: undone.By, From: undone.To, To: back.To, At: back.At, Why: strings.Join(why, "\n")}
}
