package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/throttle"
)

// loginProofTTL is how long a proven login is believed. With a token that expired,
// Jira may go on answering searches, as to an anonymous visitor, with nothing.
const loginProofTTL = 5 * time.Minute

// health remembers whether Jira was usable when it was last called. What Jira
// refuses for one issue, field or person does not make Jira unhealthy, and ends no failure that lasts.
type health struct {
	mu            sync.Mutex
	lastErr       error            // ends with the next answer of Jira's own about something else
	failing       map[string]error // by endpoint; ends when that endpoint works
	loginProvenAt time.Time        // when the login was last proven
}

var errRefused = errors.New("jira refuses the login: the api token may have expired or been revoked")

// record learns from a call; err is nil when it worked.
func (t *health) record(k call, err *access.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.lastErr = nil
		delete(t.failing, k.endpoint)
		if k.endpoint == myselfEndpoint {
			t.loginProvenAt = time.Now()
		}
	case inconclusive(err):
	case err.Class == access.Unauth:
		refused := loginFaultIn(err).health()
		t.markFailing(myselfEndpoint, refused)
		if k.essential {
			t.markFailing(k.endpoint, refused)
		}
	case k.essential && !slices.Contains(k.fallbackOn, err.Status):
		t.markFailing(k.endpoint, cmp.Or(unavailable(err), essentialRefused(err)))
	default:
		t.lastErr = unavailable(err)
	}
}

// markFailing notes what ends with the endpoint's next success.
func (t *health) markFailing(endpoint string, err error) {
	if t.failing == nil {
		t.failing = map[string]error{}
	}
	t.failing[endpoint] = err
	if endpoint == myselfEndpoint {
		t.loginProvenAt = time.Time{} // so that it is asked again
	}
}

// inconclusive reports whether the error is none of Jira's: the call was given up
// or held back here, there is too much to do, or somebody made an issue larger
// than what is read of one.
func inconclusive(err *access.Error) bool {
	var held *throttle.NotSentError
	return errors.As(err, &held) || errors.Is(err, context.Canceled) || errors.Is(err, errTooLong) || err.Status == http.StatusTooManyRequests
}

// unavailable is what the error says about Jira as a whole; nil when it is about
// the call alone.
func unavailable(err *access.Error) error {
	switch {
	case err.Status == 0:
		return fmt.Errorf("jira does not answer: %w", err.Err)
	case errors.Is(err, errNotJSON), errors.Is(err, errNotJira):
		return fmt.Errorf("jira does not answer itself: %w", err.Err)
	case err.Status >= 500:
		return answers(err.Status)
	case err.Status >= 300 && err.Status < 400:
		return fmt.Errorf("%w, a redirect: is there a login page before it, or another address than jira.url?", answers(err.Status))
	}
	return nil
}

// essentialRefused is why an endpoint that always has to work did not.
func essentialRefused(err *access.Error) error {
	if scope := missingScope(err); scope != "" {
		return fmt.Errorf("%w to %s: the token lacks the scope %s", answers(err.Status), err.Op, scope)
	}
	switch err.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w to %s, though the login works: a right is missing", answers(err.Status), err.Op)
	case http.StatusForbidden:
		return fmt.Errorf("%w to %s: does an IP allow list or a gateway keep this host out?", answers(err.Status), err.Op)
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w to %s: is the site suspended, or jira.url wrong?", answers(err.Status), err.Op)
	}
	if err.Status < 300 {
		return err // an answer that can't be read
	}
	return fmt.Errorf("%w to %s", answers(err.Status), err.Op)
}

func answers(status int) error {
	return fmt.Errorf("jira answers %d %s", status, http.StatusText(status))
}

// loginUnproven reports whether the login has to be proven again.
func (t *health) loginUnproven() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.loginProvenAt) > loginProofTTL
}

// loginProvenSince reports whether the login was proven after a time.
func (t *health) loginProvenSince(at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.loginProvenAt.After(at)
}

// loginRefused reports whether the login was refused when it was last tried.
func (t *health) loginRefused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failing[myselfEndpoint] != nil
}

// Health returns why Jira was not usable when it was last called; nil when it was.
// It makes no call: what is wrong shows with the next poll or resync at the
// latest.
func (c *Client) Health() error {
	t := &c.health
	t.mu.Lock()
	defer t.mu.Unlock()
	// The login first: without it nothing else works either.
	if err := t.failing[myselfEndpoint]; err != nil {
		return err
	}
	for _, endpoint := range slices.Sorted(maps.Keys(t.failing)) {
		return t.failing[endpoint]
	}
	return t.lastErr
}

// proveLogin proves the login unless that was done a short while ago.
func (c *Client) proveLogin(ctx context.Context) error {
	if !c.health.loginUnproven() {
		return nil
	}
	_, err := c.myself(ctx)
	return err
}
