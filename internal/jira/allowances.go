package jira

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// allowances keep calls just below the rates that Jira has shown to permit.
// Pauses alone would do, but waste what is permitted between the refusal and
// the end of the pause: up to a quarter where Jira counts by the second.
// Safe for concurrent use.
type allowances struct {
	mu   sync.Mutex
	of   map[string]*allowance // by what a pause covers
	news chan struct{}         // closed when turns have fallen
}

func newAllowances() allowances {
	return allowances{of: map[string]*allowance{}, news: make(chan struct{})}
}

// turn is when a call may go out.
type turn struct {
	at       time.Time
	reserved bool      // it counts in the allowances already
	again    bool      // that is when the allowances grow: another has to be taken
	learnt   time.Time // when they learnt last
}

// rated are the allowances that a call counts in.
func rated(req *http.Request) []string {
	return []string{keyOf(scopeAll, req), keyOf(scopeEndpoint, req)}
}

// take gives a call its turn, after all that are given.
func (a *allowances) take(req *http.Request) turn {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	t := turn{at: now}
	for _, key := range rated(req) {
		one := a.of[key]
		if one == nil {
			continue
		}
		t.learnt = later(t.learnt, one.learnt)
		most, grows := one.permits(now)
		if most == 0 {
			continue
		}
		next := one.next(most)
		t.reserved, t.again = true, t.again || next.After(grows)
		t.at = later(t.at, earlier(next, grows))
	}
	t.reserved = t.reserved && !t.again
	if t.reserved {
		a.add(req, t.at)
	}
	return t
}

// stands tells whether a turn still does: it falls with the next refusal.
func (a *allowances) stands(req *http.Request, t turn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !slices.ContainsFunc(rated(req), func(key string) bool {
		one := a.of[key]
		return one != nil && one.learnt.After(t.learnt)
	})
}

// wait returns when the turn has come, or has fallen.
func (a *allowances) wait(ctx context.Context, req *http.Request, t turn) error {
	for {
		news, left := a.fallen(), time.Until(t.at)
		if left <= 0 || !a.stands(req, t) {
			return nil
		}
		if err := sleep(ctx, left, news); err != nil {
			return err
		}
	}
}

// fallen is closed when turns fall.
func (a *allowances) fallen() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.news
}

// giveBack takes a turn that is not used from the allowances.
func (a *allowances) giveBack(req *http.Request, t turn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.reserved {
		a.remove(req, t.at)
	}
}

// goOut counts a call that goes out now.
func (a *allowances) goOut(req *http.Request, t turn) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.reserved {
		a.remove(req, t.at)
	}
	now := time.Now()
	a.add(req, now)
	for _, key := range rated(req) {
		a.of[key].sent.add(now)
	}
	return now
}

// refused learns from the refusal of a call that went out at a time. What it
// learns stands for some time after the end of the pause.
func (a *allowances) refused(s scope, req *http.Request, sent, pauseEnd time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(req, sent)
	for _, key := range rated(req) {
		a.of[key].sent.remove(sent)
	}
	if one := a.of[keyOf(s, req)]; one != nil && one.learn(sent, pauseEnd) {
		a.fell(s, req)
		close(a.news)
		a.news = make(chan struct{})
	}
}

// fell takes out the turns that do not stand any more: those of the endpoint, or
// all. Turns of other endpoints stay.
func (a *allowances) fell(s scope, req *http.Request) {
	if s == scopeAll {
		for _, one := range a.of {
			one.calls = slices.Clone(one.sent)
		}
		return
	}
	one, all := a.of[keyOf(s, req)], a.of[keyOf(scopeAll, req)]
	turns := slices.Clone(one.calls)
	for _, at := range one.sent {
		turns.remove(at)
	}
	for _, at := range turns {
		all.calls.remove(at)
	}
	one.calls = slices.Clone(one.sent)
}

func (a *allowances) add(req *http.Request, at time.Time) {
	for _, key := range rated(req) {
		if a.of[key] == nil {
			a.of[key] = &allowance{}
		}
		a.of[key].calls.add(at)
	}
}

func (a *allowances) remove(req *http.Request, at time.Time) {
	for _, key := range rated(req) {
		a.of[key].calls.remove(at)
	}
}
