package fakejira

import (
	"slices"
	"strings"
	"time"
)

// payload begins every webhook payload.
func payload(e Event, at time.Time) object {
	return object{"timestamp": at.UnixMilli(), "webhookEvent": e}
}

// named adds issue_event_type_name.
func named(p object, name string) object {
	p["issue_event_type_name"] = name
	return p
}

func (s *Server) emitCreated(iss *Issue) {
	if !s.webhooks.wanted() {
		return
	}
	p := named(payload(EventCreated, iss.Created), "issue_created")
	p["user"], p["issue"] = s.user(iss.Creator), s.issuePayload(iss)
	if s.opts.Flavour == Cloud {
		p["changelog"] = object{"id": itoa(s.id("change")), "items": s.itemsJSON(createdItems(iss))}
	}
	s.webhooks.fire(EventCreated, iss.ID, p)
}

// createdItems is what Cloud's payload says a new issue's fields changed from
// nothing. The issue's own changelog does not have it.
func createdItems(iss *Issue) []ChangeItem {
	items := []ChangeItem{refItem("summary", "summary", "", "", "", iss.Summary)}
	if iss.Description != "" {
		items = append(items, refItem("description", "description", "", "", "", iss.Description))
	}
	return append(items, refItem("Status", "status", "", "", iss.Status.ID, iss.Status.Name))
}

func (s *Server) emitUpdated(iss *Issue, ch Change, event string) {
	if !s.webhooks.wanted() {
		return
	}
	if s.opts.Flavour == Cloud {
		event = cloudEvent(event)
	}
	p := named(payload(EventUpdated, ch.At), event)
	p["user"], p["issue"] = s.user(ch.Author), s.issuePayload(iss)
	p["changelog"] = object{"id": ch.ID, "items": s.itemsJSON(ch.Items)}
	s.webhooks.fire(EventUpdated, iss.ID, p)
}

// cloudEvent is Cloud's name of an event: issue_generic for all transitions.
func cloudEvent(event string) string {
	if slices.Contains([]string{"issue_updated", "issue_assigned", "issue_moved"}, event) {
		return event
	}
	return "issue_generic"
}

func (s *Server) emitDeleted(iss *Issue, actor string) {
	if !s.webhooks.wanted() {
		return
	}
	p := payload(EventDeleted, iss.Updated)
	p["user"], p["issue"] = s.user(actor), s.issuePayload(iss)
	s.webhooks.fire(EventDeleted, iss.ID, p)
}

// emitCommented fires what a comment fires: on Cloud one event with a short
// issue and no user, on Data Center one without either and one that is an
// update of the issue.
func (s *Server) emitCommented(iss *Issue, cm Comment) {
	if !s.webhooks.wanted() {
		return
	}
	shown := s.commentJSON(iss, cm, nil, false)
	p := payload(EventCommented, cm.Created)
	p["comment"] = shown
	if s.opts.Flavour == Cloud {
		short := []string{"summary", "issuetype", "project", "assignee", "priority", "status"}
		p["issue"] = object{
			"id": iss.ID, "key": iss.Key, "self": s.baseURL + "/rest/api/2/" + iss.ID,
			"fields": s.fieldsOf(iss, selection{with: short}, nil),
		}
		s.webhooks.fire(EventCommented, iss.ID, p)
		return
	}
	s.webhooks.fire(EventCommented, iss.ID, p)
	u := named(payload(EventUpdated, cm.Created), "issue_commented")
	u["user"], u["issue"], u["comment"] = s.user(cm.Author), s.issuePayload(iss), shown
	s.webhooks.fire(EventUpdated, iss.ID, u)
}

// issuePayload is the whole issue as webhooks carry it.
func (s *Server) issuePayload(iss *Issue) object {
	sel := selection{all: true, without: []string{"comment"}}
	if s.opts.Flavour == DataCenter {
		sel.without = nil
	}
	path := "/rest/api/2/issue/"
	if s.opts.Flavour == Cloud {
		path = "/rest/api/2/"
	}
	fields := s.fieldsOf(iss, sel, nil)
	return object{"id": iss.ID, "key": iss.Key, "self": s.baseURL + path + iss.ID, "fields": fields}
}

// labelItem is the change of labels: texts joined by spaces, no ids.
func labelItem(from, to []string) ChangeItem {
	f, t := strings.Join(from, " "), strings.Join(to, " ")
	return ChangeItem{Field: "labels", FieldID: "labels", FromString: &f, ToString: &t}
}
