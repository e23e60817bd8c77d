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
	Issue *issue `json:"issue"`
	// Automation's "Issue data" is the issue itself, without a wrapping.
	issue
	Changelog struct {
		Items []struct {
			Field looseText `json:"field"`
		} `json:"items"`
	} `json:"changelog"`
}

type issue struct {
	ID     *looseText  `json:"id"` // nil: none is sent
	Key    looseText   `json:"key"`
	Fields issueFields `json:"fields"`
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
// be one, or that has neither an id nor a key.
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
	if p.Issue == nil && p.Event == "" && p.Key != "" {
		p.Issue = &p.issue
	}
	if p.Issue == nil || !p.matters() {
		return hint, false, nil
	}
	hint, err = p.Issue.hint()
	if p.Event == issueEvents+"deleted" {
		hint.Status = access.Status{} // What it was is not what it is.
	}
	return hint, err == nil, err
}

// hint returns what the payload says of the issue. Automation's own data may
// have the key and no id; whoever sends an id has to send one that can be one.
func (i *issue) hint() (access.IssueHint, error) {
	hint := access.IssueHint{
		RequestID: access.RequestIDFromLabels(i.Fields.labels()),
		Status:    access.Status{ID: string(i.Fields.Status.ID), Name: string(i.Fields.Status.Name)},
	}
	// A key beside an id is left out where it does not look like one.
	key, keyErr := access.ParseIssueKey(string(i.Key))
	if keyErr == nil {
		hint.Key = key
	}
	if i.ID == nil {
		if keyErr != nil {
			return access.IssueHint{}, errMalformed
		}
		return hint, nil
	}
	id, err := access.ParseIssueID(string(*i.ID))
	if err != nil {
		return access.IssueHint{}, errMalformed
	}
	hint.ID = id
	return hint, nil
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
