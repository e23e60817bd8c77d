package throttle

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Config bounds what a Transport sends.
type Config struct {
	// Concurrency is the most calls in flight, at least 1. The limit starts at 4
	// and adapts to what Jira bears.
	Concurrency int
	// RequestsPerSecond is the configured ceiling; 0 means none.
	RequestsPerSecond float64
}

// Transport holds calls back until they may be sent. It is safe for concurrent
// use. Calls say with WithCall what they are.
type Transport struct {
	next        http.RoundTripper
	metrics     *Metrics
	concurrency *concurrency
	backoffs    *backoffs
	rates       *rates
	ceiling     *rate.Limiter // nil when there is none
	cloud       atomic.Bool   // what an unnamed 429 covers depends on it
}

// NewTransport makes a Transport that sends by next.
func NewTransport(cfg Config, m *Metrics, next http.RoundTripper) *Transport {
	t := &Transport{next: next, metrics: m, backoffs: newBackoffs(), rates: newRates()}
	t.concurrency = newConcurrency(cfg.Concurrency, func(limit int) { m.limit.Set(float64(limit)) })
	if cfg.RequestsPerSecond > 0 {
		t.ceiling = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), max(1, int(cfg.RequestsPerSecond/10)))
	}
	return t
}

// SetCloud says whether Jira is Cloud, once that is known: there, a 429 that
// does not name its limit covers an endpoint; on Data Center it covers all.
func (t *Transport) SetCloud(cloud bool) { t.cloud.Store(cloud) }

// Recovered says that Jira works again after it was away: backoffs for which it
// did not say how long are over, and what it refused meanwhile says nothing about
// how many calls it bears.
func (t *Transport) Recovered() {
	t.backoffs.endGuesses()
	t.concurrency.recovered()
}

// RoundTrip implements http.RoundTripper. A *NotSentError says that the call was
// given up before it was sent.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	k := keysOf(req)
	sent, err := t.admit(req.Context(), k)
	if err != nil {
		return nil, &NotSentError{err}
	}
	t.metrics.inFlight.Inc()
	defer t.metrics.inFlight.Dec()
	resp, err := t.next.RoundTrip(req)
	var notSent *NotSentError
	switch {
	case errors.As(err, &notSent):
		t.concurrency.release()
		return nil, err
	case err != nil:
		t.concurrency.unanswered(k.endpoint, time.Since(sent))
		return resp, err
	}
	t.learn(k, resp, sent)
	return resp, nil
}

// admit waits until the call may be sent, counts it, holds a place for it among
// the calls in flight, and returns when it is sent.
func (t *Transport) admit(ctx context.Context, k keys) (time.Time, error) {
	for {
		if err := t.backoffs.wait(ctx, k); err != nil {
			return time.Time{}, err
		}
		leave, err := t.rates.wait(ctx, k)
		if err != nil {
			return time.Time{}, err
		}
		sent, ok, err := t.tryAdmit(ctx, k)
		leave()
		if ok || err != nil {
			return sent, err
		}
	}
}

// tryAdmit waits for a place and for the configured ceiling. ok is false when a
// backoff began or a rate was used up meanwhile.
func (t *Transport) tryAdmit(ctx context.Context, k keys) (sent time.Time, ok bool, err error) {
	if err := t.concurrency.acquire(ctx, CallOf(ctx).Yields); err != nil {
		return time.Time{}, false, err
	}
	if t.ceiling != nil {
		err = t.ceiling.Wait(ctx)
	}
	if err == nil && t.backoffs.left(k) <= 0 {
		sent, ok = t.rates.admit(k)
	}
	if !ok {
		t.concurrency.release()
	}
	return sent, ok, err
}

// learn gives the place back and adapts to the answer to a call.
func (t *Transport) learn(k keys, resp *http.Response, sent time.Time) {
	now := time.Now()
	switch {
	case refused(resp):
		s := scopeOf(resp, k.issue != "", t.cloud.Load())
		key := k.of(s)
		t.backoffs.begin(key, RetryAfter(resp, now), sent)
		if showsRate(resp) {
			t.rates.refused(key, k, sent, now.Add(t.backoffs.left(k)))
		}
		t.metrics.throttled.WithLabelValues(string(s)).Inc()
		t.concurrency.refused()
	case resp.StatusCode >= http.StatusMultipleChoices:
		t.concurrency.release() // refusals are answered in no time and say nothing about load
	default:
		t.backoffs.succeeded(k)
		t.concurrency.answered(k.endpoint, now.Sub(sent))
	}
}

// NotSentError marks an error that came before anything was sent.
type NotSentError struct{ err error }

// NotSent is for a transport below that gives a call up before it is sent.
func NotSent(err error) *NotSentError { return &NotSentError{err} }

// Error implements error.
func (n *NotSentError) Error() string { return n.err.Error() }

// Unwrap returns the cause.
func (n *NotSentError) Unwrap() error { return n.err }
