package throttle

import (
	"slices"
	"time"
)

const (
	// rateSpan is the time that a rate counts calls in: the second that Jira's
	// burst limits name, and what two calls may gain on one another on their way.
	rateSpan = 1020 * time.Millisecond
	// firstHold is how long a rate stays as Jira showed it. Somebody else may
	// have used up the rest of that second, so that Jira has more to give, and
	// the only way to learn it is to ask for more: twice as much with every
	// second. Each refusal that confirms the last one doubles the hold, up to
	// maxHold.
	firstHold     = 2 * time.Second
	maxHold       = 16 * time.Second
	maxGrowth     = 10 // doublings until there is no rate any more
	minCalls      = 10 // fewer calls tell no rate: the refusal may have another cause
	logKept       = 5 * time.Second
	maxRefusalAge = logKept - 2*time.Second // later refusals would count calls that are forgotten
)

// learnedRate is what Jira has shown to permit of the calls that one backoff covers.
type learnedRate struct {
	log  sendLog
	line chan struct{} // held by the first of those who wait
	// waiting counts those who wait, the first included.
	waiting int

	calls     int           // permitted in a rateSpan, to begin with; 0 when not known
	before    int           // what calls was before the last refusal
	held      time.Duration // how long that was held
	proven    int           // what Jira permitted before the rate grew last; 0 for anything
	grewAt    time.Time     // when that was
	learnedAt time.Time     // when the last refusal came
	lastSent  time.Time     // when the last call was sent before that
	heldFrom  time.Time     // the end of the backoff
}

func newRate() *learnedRate { return &learnedRate{line: make(chan struct{}, 1)} }

// permits returns how many calls may be sent in a rateSpan now, 0 for any
// number, and until when that holds.
func (r *learnedRate) permits(now time.Time) (calls int, growsAt time.Time) {
	steps, growsAt := r.growth(now)
	if r.calls == 0 || steps > maxGrowth {
		return 0, time.Time{}
	}
	return r.calls << steps, growsAt
}

// limits reports whether a rate is known.
func (r *learnedRate) limits(now time.Time) bool {
	calls, _ := r.permits(now)
	return calls > 0
}

// growth returns how often the rate has doubled, and when it does next.
func (r *learnedRate) growth(now time.Time) (steps int, next time.Time) {
	first := r.heldFrom.Add(r.hold())
	if now.Before(first) {
		return 0, first
	}
	steps = int(now.Sub(first)/time.Second) + 1
	return steps, first.Add(time.Duration(steps) * time.Second)
}

// hold is how long the rate stays as it is after its backoff.
func (r *learnedRate) hold() time.Duration {
	if difference := r.calls - r.before; 5*max(difference, -difference) > r.before {
		return firstHold
	}
	return min(2*r.held, maxHold)
}

// wait returns how long the next call has to wait; 0 when it may be sent now.
func (r *learnedRate) wait(now time.Time) time.Duration {
	calls, growsAt := r.permits(now)
	if calls == 0 || len(r.log) < calls {
		return 0
	}
	next := r.log[len(r.log)-calls].Add(rateSpan)
	return max(0, min(next.Sub(now), growsAt.Sub(now)))
}

// queued estimates how long those take who wait already.
func (r *learnedRate) queued(now time.Time) time.Duration {
	calls, _ := r.permits(now)
	if calls == 0 {
		return 0
	}
	return time.Duration(r.waiting/calls) * rateSpan
}

// learn adapts the rate to the refusal of a call that was sent at a time.
// Refusals of calls that were in flight by the last one belong to it; they may
// come in any order, and each makes the count of permitted calls more exact.
func (r *learnedRate) learn(sent, backoffEnd time.Time) {
	if sent.After(r.learnedAt) {
		r.proven = 0
		if steps, next := r.growth(sent); r.calls > 0 && 0 < steps && steps <= maxGrowth {
			r.proven, r.grewAt = r.calls<<(steps-1), next.Add(-time.Second)
		}
		r.before, r.held = r.calls, r.hold()
		r.learnedAt, r.heldFrom = time.Now(), backoffEnd
		r.lastSent = sent
		if n := len(r.log); n > 0 && r.log[n-1].After(sent) {
			r.lastSent = r.log[n-1]
		}
	} else if time.Since(r.learnedAt) > maxRefusalAge {
		return
	}
	if r.calls = r.permitted(); r.calls < minCalls {
		r.calls = 0
	}
}

// permitted counts what Jira allowed before the refusal, in whatever order the
// calls reached it. Counting back for a second may meet two of Jira's seconds:
// beyond what it had proven to permit before the rate grew, only calls since
// then show that it permits more.
func (r *learnedRate) permitted() int {
	end := r.log.after(r.lastSent)
	second := end - r.log.after(r.lastSent.Add(-time.Second))
	if r.proven == 0 {
		return second
	}
	return max(end-r.log.after(r.grewAt.Add(-1)), min(second, r.proven))
}

// sendLog is when calls were sent, in order. A refused call is taken out again.
type sendLog []time.Time

// add puts in a call that is sent now. Calls that are older than logKept are
// forgotten once they are the most.
func (l *sendLog) add(now time.Time) {
	if old := l.after(now.Add(-logKept)); 2*old > len(*l) {
		*l = slices.Delete(*l, 0, old)
	}
	*l = append(*l, now)
}

// remove takes a call out, if it is there.
func (l *sendLog) remove(at time.Time) {
	if i, found := slices.BinarySearchFunc(*l, at, time.Time.Compare); found {
		*l = slices.Delete(*l, i, i+1)
	}
}

// after returns the index of the first call after a time.
func (l *sendLog) after(at time.Time) int {
	i, _ := slices.BinarySearchFunc(*l, at.Add(1), time.Time.Compare)
	return i
}
