package throttle

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	firstBackoff = time.Second // where a refusal does not say how long
	// maxGuess is the longest backoff where Jira does not say how long. For as
	// long a backoff that has ended is remembered.
	maxGuess = time.Minute
)

// BackoffError says that a backoff, or the queue for a rate, outlasts the call's
// deadline.
type BackoffError struct{ After time.Duration }

// Error implements error.
func (b *BackoffError) Error() string {
	return fmt.Sprintf("Jira asked to be left alone for another %s", b.After.Round(time.Millisecond))
}

// backoffs are what Jira asked to be left alone with. Safe for concurrent use.
type backoffs struct {
	mu sync.Mutex
	of map[string]backoff // by key
}

type backoff struct {
	began    time.Time
	end      time.Time
	refusals int // in a row, that did not say how long
}

func newBackoffs() *backoffs { return &backoffs{of: map[string]backoff{}} }

// left returns how long a call still has to wait; 0 or less when it need not.
func (b *backoffs) left(k keys) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	var maxLeft time.Duration
	for _, key := range k.backoffs() {
		if one, ok := b.of[key]; ok {
			maxLeft = max(maxLeft, time.Until(one.end))
		}
	}
	return maxLeft
}

// wait returns once no backoff covers the call, at once with a *BackoffError if
// that is later than the call's deadline.
func (b *backoffs) wait(ctx context.Context, k keys) error {
	for {
		left := b.left(k)
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}

// sleep waits. It returns a *BackoffError at once if the context's deadline
// comes first.
func sleep(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return &BackoffError{After: d}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin starts a backoff after the refusal of a call that was sent at a time.
// after is what Jira asked for; 0 when it did not say: then backoffs double
// while refusals follow one another. Calls that were in flight when the backoff
// began and ask for no more than it does not make it longer: several round
// trips would be lost in every second.
func (b *backoffs) begin(key string, after time.Duration, sent time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for k, old := range b.of {
		if now.Sub(old.end) > maxGuess {
			delete(b.of, k)
		}
	}
	old := b.of[key]
	// A call that was sent in the moment in which the backoff began was under way:
	// the backoff would have held it otherwise.
	covered := !sent.After(old.began) && after <= old.end.Sub(old.began)
	if old.end.After(now) && (covered || after <= 0) {
		return
	}
	if after <= 0 {
		after = min(maxGuess, firstBackoff<<min(old.refusals, 10))
		old.refusals++
	}
	if end := now.Add(min(after, maxBackoff)); end.After(old.end) {
		old.began, old.end = now, end
	}
	b.of[key] = old
}

// succeeded forgets how often calls like this one were refused.
func (b *backoffs) succeeded(k keys) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range k.backoffs() {
		if old, ok := b.of[key]; ok && !old.end.After(time.Now()) {
			delete(b.of, key)
		}
	}
}
