package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	gojira "github.com/andygrunwald/go-jira"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 10 << 20
	// maxPages bounds a list that is looked through by name.
	maxPages = 200
)

// client is Jira as an administrator sees it.
type client struct{ api *gojira.Client }

// refusal is an answer other than success.
type refusal struct {
	status int
	text   string
}

// Error implements error.
func (r *refusal) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("Jira answers %d %s: %s", r.status, http.StatusText(r.status), r.text), ": ")
}

// call sends body, unless nil, and reads the answer into out, unless nil.
func (c client) call(ctx context.Context, method, path string, body, out any) error {
	req, err := c.api.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	resp, err := c.api.Do(req, nil)
	if resp == nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		err = &refusal{resp.StatusCode, says(answer)}
	case out != nil:
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, strings.SplitN(path, "?", 2)[0], err)
	}
	return nil
}

// says returns Jira's own words from an error answer, on one line.
func says(answer []byte) string {
	var e struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
		Message  string            `json:"message"`
	}
	if json.Unmarshal(answer, &e) != nil {
		return ""
	}
	all := e.Messages
	for field, text := range e.Errors {
		all = append(all, field+": "+text)
	}
	if e.Message != "" {
		all = append(all, e.Message)
	}
	return fmt.Sprintf("%.500s", strings.Join(strings.Fields(strings.Join(all, "; ")), " "))
}

// isAbsent reports whether Jira says that there is no such thing.
func isAbsent(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusNotFound
}

// named is a thing with an id and a name.
type named struct {
	ID   json.Number `json:"id"`
	Name string      `json:"name"`
}

// find looks through a paged list for a name and returns its id; "" where it is
// not.
func (c client) find(ctx context.Context, path string, query url.Values, name string) (string, error) {
	for page, start := 0, 0; page < maxPages; page++ {
		query.Set("startAt", strconv.Itoa(start))
		query.Set("maxResults", "50")
		var answer struct {
			Values []struct {
				ID   any    `json:"id"`
				Name string `json:"name"`
			} `json:"values"`
			IsLast bool `json:"isLast"`
		}
		if err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &answer); err != nil {
			return "", err
		}
		for _, v := range answer.Values {
			if v.Name == name {
				return idText(v.ID), nil
			}
		}
		if start += len(answer.Values); answer.IsLast || len(answer.Values) == 0 {
			return "", nil
		}
	}
	return "", fmt.Errorf("GET %s: more than %d pages", path, maxPages)
}

// idText is an id that some answers write as a number and others as text.
func idText(id any) string {
	switch v := id.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
