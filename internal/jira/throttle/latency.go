package throttle

import "time"

const (
	slack        = 50 * time.Millisecond // a latency is no higher than usual by less than this
	warmUp       = 10                    // calls until an endpoint's latency is judged
	recentWeight = 0.1                   // of one call in the recent latency
	learnFaster  = 5 * time.Second       // until a lasting lower latency is usual
	learnSlower  = time.Minute           // until a lasting higher one is
)

// latency is how long an endpoint takes to answer, as moving averages.
type latency struct {
	usual  time.Duration // over minutes
	recent time.Duration // in the last few calls
	at     time.Time     // of the last call
	calls  int           // as far as warmUp
}

// learn returns the averages after another answer.
func (l latency) learn(took time.Duration, now time.Time) latency {
	if l.calls < warmUp {
		l.calls++
		l.usual += (took - l.usual) / time.Duration(l.calls)
		l.recent, l.at = l.usual, now
		return l
	}
	l.recent += time.Duration(recentWeight * float64(took-l.recent))
	over := learnSlower
	if l.recent < l.usual {
		over = learnFaster
	}
	weight := min(1, now.Sub(l.at).Seconds()/over.Seconds())
	l.usual += time.Duration(weight * float64(l.recent-l.usual))
	l.at = now
	return l
}

// exceededBy reports whether took is more than twice the usual latency.
func (l latency) exceededBy(took time.Duration) bool {
	return l.calls == warmUp && took > 2*l.usual+slack
}
