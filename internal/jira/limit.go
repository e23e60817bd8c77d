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
	rates   allowances
	ceiling *rate.Limiter // nil when there is none
	cloud   atomic.Bool   // what an unnamed 429 covers depends on it
	metrics *Metrics
}

func newLimiter(cfg Config, m *Metrics) *limiter {
	l := &limiter{metrics: m, pauses: pauses{until: map[string]pause{}}, rates: newAllowances()}
	l.gate = newGate(cfg.Concurrency, func(limit int) { m.limit.Set(float64(limit)) })
	if cfg.RequestsPerSecond > 0 {
		l.ceiling = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), max(1, int(cfg.RequestsPerSecond/10)))
	}
	return l
}

// enter waits until the call may go out, holds a place in the gate and tells
// when the call goes out.
func (l *limiter) enter(ctx context.Context, req *http.Request) (time.Time, error) {
	for {
		t, err := l.turn(ctx, req)
		if err != nil {
			return time.Time{}, err
		}
		if err := l.gate.acquire(ctx); err != nil {
			l.rates.giveBack(req, t)
			return time.Time{}, err
		}
		err = l.belowCeiling(ctx)
		if err == nil && l.pauses.left(req) <= 0 && l.rates.stands(req, t) {
			return l.rates.goOut(req, t), nil
		}
		l.gate.release()
		l.rates.giveBack(req, t)
		if err != nil {
			return time.Time{}, err
		} // else a pause began while the call waited for its place
	}
}

// turn waits until neither pauses nor allowances hold the call back.
func (l *limiter) turn(ctx context.Context, req *http.Request) (turn, error) {
	for {
		if err := l.pauses.wait(ctx, req); err != nil {
			return turn{}, err
		}
		t := l.rates.take(req)
		if err := l.rates.wait(ctx, req, t); err != nil {
			l.rates.giveBack(req, t)
			return turn{}, err
		}
		if !t.again && l.rates.stands(req, t) {
			return t, nil
		}
	}
}

// belowCeiling waits for the configured ceiling.
func (l *limiter) belowCeiling(ctx context.Context) error {
	if l.ceiling == nil {
		return nil
	}
	return l.ceiling.Wait(ctx)
}

// learn gives the place back and adapts to the answer to a call that went out
// at a time.
func (l *limiter) learn(req *http.Request, resp *http.Response, sent time.Time) {
	name := req.Method + " " + endpointOf(req.Context()).name
	now := time.Now()
	latency := now.Sub(sent)
	switch {
	case resp == nil:
		l.gate.unanswered(name, latency)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		s := scopeOf(resp, endpointOf(req.Context()).issue != "", l.cloud.Load())
		l.pauses.begin(s, req, retryAfter(resp, now), sent)
		if showsRate(resp) {
			l.rates.refused(s, req, sent, now.Add(l.pauses.left(req)))
		}
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
	sent, err := l.limiter.enter(req.Context(), req)
	if err != nil {
		return nil, &notSentError{err}
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		resp = nil
	}
	l.limiter.learn(req, resp, sent)
	return resp, err
}

// notSentError marks an error that came before anything went out.
type notSentError struct{ err error }

// Error implements error.
func (n *notSentError) Error() string { return n.err.Error() }

// Unwrap gives the cause.
func (n *notSentError) Unwrap() error { return n.err }
