package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// issueEvents is how the names of all events about an issue itself begin.
// Others (comment_created, worklog_updated, sprint_closed …) can't mean that
// an issue moved.
const issueEvents = "jira:issue_"

// payload is the part of a webhook that is used. Cloud and Data Center agree on it;
// the rest of a payload may be of any shape.
type payload struct {
	Event string `json:"webhookEvent"`
	Issue *struct {
		ID     looseText   `json:"id"`
		Key    looseText   `json:"key"`
		Fields issueFields `json:"fields"`
	} `json:"issue"`
	Changelog struct {
		Items []struct {
			Field looseText `json:"field"`
		} `json:"items"`
	} `json:"changelog"`
}

type issueFields struct {
	Labels []looseText `json:"labels"`
	Status struct {
		ID   looseText `json:"id"`
		Name looseText `json:"name"`
	} `json:"status"`
}

func (f issueFields) labels() []string {
	labels := make([]string, 0, len(f.Labels))
	for _, l := range f.Labels {
		labels = append(labels, string(l))
	}
	return labels
}

// looseText is a string or a number; anything else is as good as absent.
type looseText string

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (t *looseText) UnmarshalJSON(data []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(data, &s) == nil:
		*t = looseText(s)
	case json.Unmarshal(data, &n) == nil:
		*t = looseText(n)
	}
	return nil
}

// errMalformed stands for every reason to refuse a body. The sender does not learn which.
var errMalformed = errors.New("malformed webhook")

// decode reads a webhook's body. matters is false for well-formed webhooks
// that can't mean that a request has to be reconciled. The error is
// errMalformed for anything but a JSON object, and for an issue whose id can't
// be one.
func decode(body []byte) (hint access.IssueHint, matters bool, err error) {
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return hint, false, errMalformed
	}
	var p payload
	err = json.Unmarshal(body, &p)
	// A field of an unexpected type is left out and the rest is decoded.
	var mistyped *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &mistyped) {
		return hint, false, errMalformed
	}
	if p.Issue == nil || !p.matters() {
		return hint, false, nil
	}
	id, err := access.ParseIssueID(string(p.Issue.ID))
	if err != nil {
		return hint, false, errMalformed
	}
	fields := p.Issue.Fields
	hint = access.IssueHint{
		ID: id, RequestID: access.RequestIDFromLabels(fields.labels()),
		Status: access.Status{ID: string(fields.Status.ID), Name: string(fields.Status.Name)},
	}
	if p.Event == issueEvents+"deleted" {
		hint.Status = access.Status{} // What it was is not what it is.
	}
	// The id is enough: a key that does not look like one is left out.
	if key, err := access.ParseIssueKey(string(p.Issue.Key)); err == nil {
		hint.Key = key
	}
	return hint, true, nil
}

// matters reports whether the event may mean that the issue moved, to another
// status or another project, or that it is gone. It is generous: a changelog
// without items says nothing, and old servers send none.
func (p *payload) matters() bool {
	if p.Event != "" && !strings.HasPrefix(p.Event, issueEvents) {
		return false
	}
	if p.Event != issueEvents+"updated" || len(p.Changelog.Items) == 0 {
		return true
	}
	for _, item := range p.Changelog.Items {
		if slices.Contains([]string{"status", "project", "key"}, strings.ToLower(string(item.Field))) {
			return true
		}
	}
	return false
}
