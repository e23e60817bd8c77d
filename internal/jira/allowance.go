package jira

import (
	"slices"
	"time"
)

const (
	// allowanceSpan is the time that an allowance counts calls in: the second
	// that Jira's burst limits name, and what two calls may gain on one another
	// on their way.
	allowanceSpan = 1020 * time.Millisecond
	// firstHold is how long Jira is taken at its word: somebody else may have
	// used up the rest of that second. Then it may have more to give, and the
	// only way to learn it is to ask for more: twice as much with every second.
	// Each refusal that confirms the last one doubles the hold, up to longestHold.
	firstHold   = 2 * time.Second
	longestHold = 16 * time.Second
	mostGrowth  = 10 // doublings until it is no allowance any more
	// leastAllowance is the fewest calls that tell a rate from a refusal that
	// has nothing to do with one.
	leastAllowance = 10
	// callsKept is how long a call is remembered, so that a refusal that takes
	// its time still finds those before it.
	callsKept = 5 * time.Second
)

// allowance is the rate of what one pause covers.
type allowance struct {
	calls    ledger        // those that went out, and those to come that have a turn
	sent     ledger        // those that went out
	most     int           // calls in an allowanceSpan, to begin with; 0 when it is not known
	before   int           // what most was before the last refusal
	held     time.Duration // how long that was held
	borne    int           // what Jira bore before the allowance grew last; 0 for anything
	grew     time.Time     // when that was
	learnt   time.Time     // when the last refusal came
	last     time.Time     // when the last call went out before that
	pauseEnd time.Time
}

// permits is how many calls may go out in an allowanceSpan now, 0 for any
// number, and until when that holds.
func (a *allowance) permits(now time.Time) (most int, grows time.Time) {
	steps, grows := a.growth(now)
	if a.most == 0 || steps > mostGrowth {
		return 0, time.Time{}
	}
	return a.most << steps, grows
}

// growth is how often the allowance has doubled, and when it does next.
func (a *allowance) growth(now time.Time) (steps int, next time.Time) {
	first := a.pauseEnd.Add(a.hold())
	if now.Before(first) {
		return 0, first
	}
	steps = int(now.Sub(first)/time.Second) + 1
	return steps, first.Add(time.Duration(steps) * time.Second)
}

// hold is how long the allowance stands as it is after its pause.
func (a *allowance) hold() time.Duration {
	if difference := a.most - a.before; 5*max(difference, -difference) > a.before {
		return firstHold
	}
	return min(2*a.held, longestHold)
}

// next is when the next of so many calls may go out; it may have passed.
func (a *allowance) next(most int) time.Time {
	if len(a.calls) < most {
		return time.Time{}
	}
	return a.calls[len(a.calls)-most].Add(allowanceSpan)
}

// learn notes a refusal. Refusals of calls that were under way by then belong to
// the same one; others are news.
func (a *allowance) learn(sent, pauseEnd time.Time) (news bool) {
	news = sent.After(a.learnt)
	switch {
	case !news && time.Since(a.learnt) > callsKept-2*time.Second:
		return false // what would have to be counted is forgotten
	case news:
		a.borne = 0
		if steps, next := a.growth(sent); a.most > 0 && 0 < steps && steps <= mostGrowth {
			a.borne, a.grew = a.most<<(steps-1), next.Add(-time.Second)
		}
		a.before, a.held = a.most, a.hold()
		a.learnt, a.pauseEnd = time.Now(), pauseEnd
		if a.last = sent; len(a.sent) > 0 {
			a.last = later(sent, a.sent[len(a.sent)-1])
		}
	}
	if a.most = a.permitted(); a.most < leastAllowance {
		a.most = 0
	}
	return news
}

// permitted counts what Jira allowed before the refusal, in whatever order the
// calls reached it. Counting back for a second may meet two of Jira's seconds:
// after what it bore before the allowance grew, only calls since then show that
// it bears more.
func (a *allowance) permitted() int {
	end := a.sent.after(a.last)
	second := end - a.sent.after(a.last.Add(-time.Second))
	if a.borne == 0 {
		return second
	}
	return max(end-a.sent.after(a.grew.Add(-1)), min(second, a.borne))
}

// ledger is when calls were or will be made, in order.
type ledger []time.Time

// add puts a call in. It forgets those that are long past, once they are the
// most.
func (l *ledger) add(at time.Time) {
	if old := l.after(time.Now().Add(-callsKept)); 2*old > len(*l) {
		*l = slices.Delete(*l, 0, old)
	}
	*l = slices.Insert(*l, l.after(at), at)
}

// remove takes a call out, if it is there.
func (l *ledger) remove(at time.Time) {
	if i, found := slices.BinarySearchFunc(*l, at, time.Time.Compare); found {
		*l = slices.Delete(*l, i, i+1)
	}
}

// after is the index of the first call after a time.
func (l *ledger) after(at time.Time) int {
	i, _ := slices.BinarySearchFunc(*l, at.Add(1), time.Time.Compare)
	return i
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
