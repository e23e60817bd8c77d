package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
)

// trouble remembers whether Jira was usable when it was last called.
type trouble struct {
	last atomic.Pointer[error]
	next http.RoundTripper
}

var errRefused = errors.New("jira refuses the login: the api token may have expired or been revoked")

// RoundTrip implements http.RoundTripper.
func (t *trouble) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if errors.Is(err, context.Canceled) {
		return resp, err // It was our doing.
	}
	t.note(resp, err)
	return resp, err
}

func (t *trouble) note(resp *http.Response, err error) {
	var found error
	switch {
	case err != nil:
		found = fmt.Errorf("jira does not answer: %w", err)
	case resp.StatusCode == http.StatusUnauthorized:
		found = errRefused
	case resp.StatusCode >= http.StatusInternalServerError:
		found = fmt.Errorf("jira answers %s", resp.Status)
	}
	t.last.Store(&found)
}

// Trouble is why Jira was not usable when it was last called; nil when it was.
// It makes no call: what is wrong shows with the next poll at the latest.
func (c *Client) Trouble() error {
	if last := c.trouble.last.Load(); last != nil {
		return *last
	}
	return nil
}
