package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// proofAge is how long a proven login is believed. With a token that expired,
// Jira may go on answering searches, as to an anonymous visitor, with nothing.
const proofAge = 5 * time.Minute

// trouble remembers whether Jira was usable when it was last called.
type trouble struct {
	next http.RoundTripper

	mu     sync.Mutex
	last   error
	proven time.Time // when the login was last proven
}

var errRefused = errors.New("jira refuses the login: the api token may have expired or been revoked")

// RoundTrip implements http.RoundTripper.
func (t *trouble) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if !errors.Is(err, context.Canceled) { // That was our doing.
		t.note(endpointOf(req.Context()).name == myselfEndpoint, resp, err)
	}
	return resp, err
}

func (t *trouble) note(proof bool, resp *http.Response, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.last = fmt.Errorf("jira does not answer: %w", err)
	case resp.StatusCode == http.StatusUnauthorized:
		t.last, t.proven = errRefused, time.Time{}
	case resp.StatusCode >= http.StatusInternalServerError:
		t.last = fmt.Errorf("jira answers %s", resp.Status)
	case proof && resp.StatusCode == http.StatusOK:
		t.last, t.proven = nil, time.Now()
	case !errors.Is(t.last, errRefused):
		// A refused login ends with a proof only.
		t.last = nil
	}
}

// stale tells whether the login has to be proven again.
func (t *trouble) stale() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.proven) > proofAge
}

// Trouble is why Jira was not usable when it was last called; nil when it was.
// It makes no call: what is wrong shows with the next poll or resync at the
// latest.
func (c *Client) Trouble() error {
	c.trouble.mu.Lock()
	defer c.trouble.mu.Unlock()
	return c.trouble.last
}

// prove proves the login unless that was done a short while ago.
func (c *Client) prove(ctx context.Context) error {
	if !c.trouble.stale() {
		return nil
	}
	_, err := c.myself(ctx)
	return err
}
