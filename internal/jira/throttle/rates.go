package throttle

import (
	"context"
	"sync"
	"time"
)

// rates keep calls just below the rates that Jira has shown to permit.
// Backoffs alone would do, but waste what is permitted between a refusal and
// the end of its backoff: up to a quarter where Jira counts by the second.
//
// Who has to wait for a rate waits in line: the first of the line sleeps until
// the rate permits a call, the others behind it, so that nobody is overtaken.
// Safe for concurrent use.
type rates struct {
	mu sync.Mutex
	of map[string]*learnedRate // by key; one for every endpoint that was called
}

func newRates() *rates { return &rates{of: map[string]*learnedRate{}} }

// wait returns once the call's rates permit it. leave gives up its place in
// line, and has to be called once it is sent or given up. The error is a
// *BackoffError, at once, where the call's deadline would come first.
func (r *rates) wait(ctx context.Context, k keys) (leave func(), err error) {
	for {
		one, ahead := r.join(k)
		if one == nil {
			return func() {}, nil
		}
		leave, err := r.queue(ctx, one, ahead)
		if err != nil {
			return nil, err
		}
		if other := r.blocking(k); other == nil {
			return leave, nil
		}
		leave() // for another rate, whose line it joins without holding this one up
	}
}

// join counts the call among those who wait for the rate that holds it back, or
// else for one that is known: also who need not wait for a rate may have to for
// a place, and must not find the rate used up then by others who came later. It
// returns nil when no rate is known. ahead is how long those take who wait
// already.
func (r *rates) join(k keys) (one *learnedRate, ahead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	one = r.blockingAt(k, now)
	for _, key := range k.rates() {
		if known := r.of[key]; one == nil && known != nil && (known.waiting > 0 || known.limits(now)) {
			one = known
		}
	}
	if one != nil {
		ahead = one.queued(now)
		one.waiting++
	}
	return one, ahead
}

// queue waits in line, and then until the rate permits a call.
func (r *rates) queue(ctx context.Context, one *learnedRate, ahead time.Duration) (leave func(), err error) {
	first := false
	leave = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		one.waiting--
		if first {
			<-one.line
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= ahead {
		leave()
		return nil, &BackoffError{After: ahead}
	}
	select {
	case one.line <- struct{}{}:
		first = true
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	for {
		left := r.left(one)
		if left <= 0 {
			return leave, nil
		}
		if err := sleep(ctx, left); err != nil {
			leave()
			return nil, err
		}
	}
}

func (r *rates) left(one *learnedRate) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return one.wait(time.Now())
}

// blocking returns a rate that does not permit the call now; nil when all do.
func (r *rates) blocking(k keys) *learnedRate {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blockingAt(k, time.Now())
}

func (r *rates) blockingAt(k keys, now time.Time) *learnedRate {
	for _, key := range k.rates() {
		if one := r.of[key]; one != nil && one.wait(now) > 0 {
			return one
		}
	}
	return nil
}

// admit counts a call that is sent now, unless a rate was used up while it
// waited for its place among the calls in flight.
func (r *rates) admit(k keys) (sent time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.blockingAt(k, now) != nil {
		return time.Time{}, false
	}
	for _, key := range k.rates() {
		if r.of[key] == nil {
			r.of[key] = newRate()
		}
		r.of[key].log.add(now)
	}
	return now, true
}

// refused takes out a call that Jira refused, and learns the rate of what the
// refusal covers. It holds for some time after the end of the backoff.
func (r *rates) refused(key string, k keys, sent, backoffEnd time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, each := range k.rates() {
		r.of[each].log.remove(sent)
	}
	if one := r.of[key]; one != nil {
		one.learn(sent, backoffEnd)
	}
}
