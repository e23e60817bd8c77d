package jira

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// allowanceSpan is the time that an allowance counts calls in: the second
	// that Jira's burst limits name, and what two calls may gain on one another
	// on their way.
	allowanceSpan = 1020 * time.Millisecond
	// allowanceLife is how long Jira is taken at its word. Then it may have
	// more to give, and the only way to learn it is to ask for more.
	allowanceLife = 10 * time.Second
	// leastAllowance is the fewest calls that tell a rate from a refusal that
	// has nothing to do with one.
	leastAllowance = 10
	// callsKept is how long a call is remembered, so that a refusal that takes
	// its time still finds those before it.
	callsKept = 5 * time.Second
)

// allowances keep calls just below the rates that Jira has shown to permit.
// Pauses alone would do, but waste what is permitted between the refusal and
// the end of the pause: up to a quarter where Jira counts by the second.
// Safe for concurrent use.
type allowances struct {
	mu sync.Mutex
	of map[string]*allowance // by what a pause covers
}

// allowance is the rate of what one pause covers.
type allowance struct {
	calls   []time.Time // when they went out and, for those that wait, will go out; in order
	most    int         // calls in an allowanceSpan; 0 when it is not known
	refused time.Time   // when the call went out whose refusal told
	learnt  time.Time   // when that refusal came
	until   time.Time
}

// turn is when a call may go out.
type turn struct {
	at       time.Time
	reserved bool      // it counts in the allowances already
	learnt   time.Time // what they went by
}

// rated are the allowances that a call counts in.
func rated(req *http.Request) []string {
	return []string{keyOf(scopeAll, req), keyOf(scopeEndpoint, req)}
}

// take gives a call its turn, first come, first served.
func (a *allowances) take(req *http.Request) turn {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	t := turn{at: now}
	for _, key := range rated(req) {
		if one := a.of[key]; one != nil && one.most > 0 && now.Before(one.until) {
			t.at, t.reserved = later(t.at, one.next()), true
			t.learnt = later(t.learnt, one.learnt)
		}
	}
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
	return now
}

// refused learns from the refusal of a call that went out at a time. What it
// learns stands for some time after the end of the pause.
func (a *allowances) refused(s scope, req *http.Request, sent, pauseEnd time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(req, sent)
	if one := a.of[keyOf(s, req)]; one != nil {
		one.learn(sent, pauseEnd)
	}
}

func (a *allowances) add(req *http.Request, at time.Time) {
	for _, key := range rated(req) {
		if a.of[key] == nil {
			a.of[key] = &allowance{}
		}
		a.of[key].add(at)
	}
}

func (a *allowances) remove(req *http.Request, at time.Time) {
	for _, key := range rated(req) {
		if one := a.of[key]; one != nil {
			one.remove(at)
		}
	}
}

// next is when the next call may go out; it may have passed.
func (a *allowance) next() time.Time {
	if len(a.calls) < a.most {
		return time.Time{}
	}
	return a.calls[len(a.calls)-a.most].Add(allowanceSpan)
}

func (a *allowance) add(at time.Time) {
	old, _ := slices.BinarySearchFunc(a.calls, time.Now().Add(-callsKept), time.Time.Compare)
	a.calls = slices.Delete(a.calls, 0, old)
	i, _ := slices.BinarySearchFunc(a.calls, at, time.Time.Compare)
	a.calls = slices.Insert(a.calls, i, at)
}

func (a *allowance) remove(at time.Time) {
	if i, found := slices.BinarySearchFunc(a.calls, at, time.Time.Compare); found {
		a.calls = slices.Delete(a.calls, i, i+1)
	}
}

// learn counts what Jira allowed in the second before a refusal. Refusals of
// calls that were under way by then belong to the same one.
func (a *allowance) learn(sent, pauseEnd time.Time) {
	switch {
	case sent.After(a.learnt):
		a.learnt, a.refused, a.until = time.Now(), sent, pauseEnd.Add(allowanceLife)
		due, _ := slices.BinarySearchFunc(a.calls, a.learnt.Add(1), time.Time.Compare)
		a.calls = a.calls[:due] // those that wait will get another turn
		from, _ := slices.BinarySearchFunc(a.calls, sent.Add(-time.Second), time.Time.Compare)
		to, _ := slices.BinarySearchFunc(a.calls, sent.Add(1), time.Time.Compare)
		a.most = to - from
	case sent.After(a.refused.Add(-time.Second)) && !sent.After(a.refused):
		a.most--
	}
	if a.most < leastAllowance {
		a.most = 0
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
