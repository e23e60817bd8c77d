package jira

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// endpoint names a call for limits and metrics.
type endpoint struct {
	name  string // template, as /issue/{issue}/comment
	issue string // the issue that the call writes to; empty for reads
}

type endpointKey struct{}

func withEndpoint(ctx context.Context, e endpoint) context.Context {
	return context.WithValue(ctx, endpointKey{}, e)
}

func endpointOf(ctx context.Context) endpoint {
	e, _ := ctx.Value(endpointKey{}).(endpoint)
	return e
}

// limiter decides when a call may go out.
type limiter struct {
	gate    *gate
	pauses  pauses
	ceiling *rate.Limiter // nil when there is none
	cloud   atomic.Bool   // what an unnamed 429 covers depends on it
	metrics *Metrics
}

func newLimiter(cfg Config, m *Metrics) *limiter {
	l := &limiter{metrics: m, pauses: pauses{until: map[string]pause{}}}
	l.gate = newGate(cfg.Concurrency, func(limit int) { m.limit.Set(float64(limit)) })
	if cfg.RequestsPerSecond > 0 {
		l.ceiling = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), max(1, int(cfg.RequestsPerSecond/10)))
	}
	return l
}

// enter waits until the call may go out and holds a place in the gate.
func (l *limiter) enter(ctx context.Context, req *http.Request) error {
	for {
		if err := l.pauses.wait(ctx, req); err != nil {
			return err
		}
		if err := l.gate.acquire(ctx); err != nil {
			return err
		}
		if l.pauses.left(req) <= 0 {
			break
		}
		l.gate.release() // a pause began while the call waited for its place
	}
	if l.ceiling == nil {
		return nil
	}
	if err := l.ceiling.Wait(ctx); err != nil {
		l.gate.release()
		return err
	}
	return nil
}

// learn gives the place back and adapts to the answer.
func (l *limiter) learn(req *http.Request, resp *http.Response, latency time.Duration) {
	name := req.Method + " " + endpointOf(req.Context()).name
	switch {
	case resp == nil:
		l.gate.unanswered(name, latency)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		s := scopeOf(resp, endpointOf(req.Context()).issue != "", l.cloud.Load())
		now := time.Now()
		l.pauses.begin(s, req, retryAfter(resp, now), now.Add(-latency))
		l.metrics.throttled.WithLabelValues(string(s)).Inc()
		l.gate.refused()
	case resp.StatusCode >= http.StatusMultipleChoices:
		l.gate.release() // refusals are answered in no time and say nothing about load
	default:
		l.pauses.succeeded(req)
		l.gate.answered(name, latency)
	}
}

// limited holds calls back until they may go out.
type limited struct {
	limiter *limiter
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.limiter.enter(req.Context(), req); err != nil {
		return nil, &notSentError{err}
	}
	start := time.Now()
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		resp = nil
	}
	l.limiter.learn(req, resp, time.Since(start))
	return resp, err
}

// notSentError marks an error that came before anything went out.
type notSentError struct{ err error }

// Error implements error.
func (n *notSentError) Error() string { return n.err.Error() }

// Unwrap gives the cause.
func (n *notSentError) Unwrap() error { return n.err }
