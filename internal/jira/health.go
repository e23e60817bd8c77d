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
	workedAt      time.Time        // when a call last worked
}

var errRefused = errors.New("jira refuses the login: the api token may have expired or been revoked")

// record learns from a call; err is nil when it worked.
func (t *health) record(k call, err *access.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.lastErr, t.workedAt = nil, time.Now()
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

// idle returns how long ago a call last worked.
func (t *health) idle() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.workedAt)
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

const (
	// idleProbe is how often Jira is asked for the daemon's own account while
	// nothing is wrong, so that an outage is known where nothing is to be done.
	idleProbe = 10 * time.Second
	// probeTimeout bounds that call.
	probeTimeout = 4 * time.Second
	// While Jira does not work it is asked after pauses that double, from
	// firstProbe. Accounts are locked out after a few refused logins, so that
	// pauses grow longer where Jira refuses the login.
	firstProbe      = time.Second
	maxProbe        = 4 * time.Second
	maxLoginProbe   = 5 * time.Minute
	tokenProbe      = time.Second // how soon a changed token is seen
	maxProbeDoubles = 10
)

// circuit keeps calls from a Jira that is known not to work, or to refuse the
// login. It opens only while Monitor runs. Safe for concurrent use.
type circuit struct {
	doubts chan struct{} // holds one token while a call has failed as if Jira were away

	mu      sync.Mutex
	watched bool          // Monitor runs; guarded by mu
	away    *access.Error // why no call is made; nil while the circuit is closed; guarded by mu
}

func newCircuit() *circuit { return &circuit{doubts: make(chan struct{}, 1)} }

func (b *circuit) watch(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched, b.away = on, nil
}

// set opens the circuit, or closes it with nil.
func (b *circuit) set(away *access.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched {
		b.away = away
	}
}

// reason is why no call is made; nil when calls are.
func (b *circuit) reason() *access.Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

// admit returns why a call is not to be made; nil when it is.
func (b *circuit) admit() error {
	if away := b.reason(); away != nil {
		return throttle.NotSent(&awayError{away})
	}
	return nil
}

// note learns from a call. A refused login opens the circuit at once: until it
// is known whether Jira means the account or the call, nothing else logs in.
func (b *circuit) note(err *access.Error) {
	if err == nil || errors.Is(err, access.ErrAway) || !concernsJira(err) {
		return
	}
	if err.Class == access.Unauth {
		b.set(err)
		if b.reason() != nil {
			err.Err = fmt.Errorf("%w: %w", access.ErrAway, err.Err)
		}
	}
	select {
	case b.doubts <- struct{}{}:
	default:
	}
}

// concernsJira reports whether an error may concern all of Jira.
func concernsJira(err *access.Error) bool {
	return err.Class == access.Unauth || !inconclusive(err) && unavailable(err) != nil
}

// circuitTransport is the transport below the throttle that holds calls back while the
// circuit is open, those that waited for their turn, too.
type circuitTransport struct {
	circuit *circuit
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (g *circuitTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.circuit.admit(); err != nil {
		return nil, err
	}
	return g.next.RoundTrip(req)
}

// awayError is the error of a call that was not made.
type awayError struct{ why *access.Error }

// Error implements error.
func (a *awayError) Error() string { return access.ErrAway.Error() + ": " + a.why.Error() }

// Is makes it an access.ErrAway.
func (a *awayError) Is(target error) bool { return target == access.ErrAway }

// Monitor watches over whether Jira works until ctx ends, and calls back when it
// does again. Meanwhile one call at growing pauses is all that is sent to a Jira
// that refuses connections, fails, or refuses the login. It makes calls of its
// own also where nothing else does.
func (c *Client) Monitor(ctx context.Context, back func()) {
	c.circuit.watch(true)
	defer c.circuit.watch(false)
	failed := 0
	for {
		token := c.cfg.Token()
		if !c.waitForProbe(ctx, failed, token) {
			return
		}
		err := c.probe(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.circuit.set(nil)
			if failed > 0 {
				failed = 0
				c.throttle.Recovered()
				back()
			}
		default:
			failed++
			c.noteAway(err, failed)
		}
	}
}

// noteAway opens the circuit where the probe's failure leaves no doubt: a Jira
// that is merely slow is not kept from answering.
func (c *Client) noteAway(err *access.Error, failed int) {
	wasRefused := c.refusesLogin()
	switch {
	case err.Class == access.Unauth:
		c.circuit.set(err)
		if failed == 1 || !wasRefused {
			c.log.Error("jira refuses the login: nothing but the login is tried until it works or the token changes",
				"error", err, "fix", "renew the token, the new one is taken up without a restart")
		}
	case errors.Is(err, context.DeadlineExceeded), inconclusive(err):
	default:
		c.circuit.set(err)
	}
}

func (c *Client) refusesLogin() bool {
	away := c.circuit.reason()
	return away != nil && away.Class == access.Unauth
}

// waitForProbe waits until Jira is to be asked: after a pause, when a call makes
// it suspect, or when the token has changed. It returns false when ctx ends.
func (c *Client) waitForProbe(ctx context.Context, failed int, token string) bool {
	longest := maxProbe
	if c.refusesLogin() {
		longest = maxLoginProbe
	}
	pause := time.NewTimer(probePause(failed, longest))
	defer pause.Stop()
	doubts := c.circuit.doubts
	if failed > 0 {
		doubts = nil // It is known.
	}
	look := time.NewTicker(tokenProbe)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-pause.C:
			if left := idleProbe - c.health.idle(); failed == 0 && left > 0 {
				pause.Reset(left) // Other calls have shown that it works.
				continue
			}
			return true
		case <-doubts:
			return true
		case <-look.C:
			if failed > 0 && c.cfg.Token() != token {
				return true
			}
		}
	}
}

func probePause(failed int, longest time.Duration) time.Duration {
	if failed == 0 {
		return idleProbe
	}
	return min(firstProbe<<min(failed-1, maxProbeDoubles), longest)
}

// probe asks who the account is, past everything that holds other calls back.
func (c *Client) probe(ctx context.Context) *access.Error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	k := myselfCall()
	var me account
	err := c.roundTrip(context.WithValue(ctx, probing{}, true), k, &me)
	if err == nil && me.actor().ID == "" {
		err = k.error(access.Unauth, errAnonymous)
	}
	c.health.record(k, err)
	return err
}

// probing marks the context of a probe.
type probing struct{}

// probeTransport sends probes past circuit and throttle.
type probeTransport struct {
	circuit      *circuit
	held, direct http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (u *probeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(probing{}) != nil {
		return u.direct.RoundTrip(req)
	}
	if err := u.circuit.admit(); err != nil {
		return nil, err
	}
	return u.held.RoundTrip(req)
}
