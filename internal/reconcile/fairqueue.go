package reconcile

import "k8s.io/client-go/util/workqueue"

// urgency is why a key is worked on before others. The zero urgency is
// housekeeping: what a listing found.
type urgency int

const (
	housekeeping urgency = iota
	creation             // a new request
	decision             // somebody has decided, or is about to
	urgencies            // how many there are
)

// turns is how often the most urgent is taken before something else has a turn,
// so that no flood stops the housekeeping for good.
const turns = 8

// fairQueue is the order in which keys are taken: decisions before new requests
// before housekeeping, and within each the requesters take turns, so that what
// one of them floods the queue with waits behind itself. The work queue calls it
// under its lock. Urgency and requester are those of the key's pending hint.
type fairQueue struct {
	hints   *pendingHints
	waiting [urgencies]lanes
	queued  map[key]*queuedKey
	taken   int // since something less urgent had its turn
}

// queuedKey is a key's place. It is void when the key has a more urgent one.
type queuedKey struct {
	key     key
	urgency urgency
	void    bool
}

// newQueue makes the work queue whose keys have their hints in hints.
func newQueue(hints *pendingHints) workqueue.TypedRateLimitingInterface[key] {
	fair := &fairQueue{hints: hints, queued: map[key]*queuedKey{}}
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[key](minRetry, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[key]{
			DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[key]{
				Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[key]{Queue: fair}),
			}),
		})
}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(k key) {
	urgency, requester := q.hints.rank(k)
	place := &queuedKey{key: k, urgency: urgency}
	q.queued[k] = place
	q.waiting[urgency].push(requester, place)
}

// Touch implements workqueue.Queue: a key that has become more urgent gets a
// place among those that are.
func (q *fairQueue) Touch(k key) {
	place, ok := q.queued[k]
	if urgency, _ := q.hints.rank(k); !ok || urgency <= place.urgency {
		return
	}
	place.void = true
	q.waiting[place.urgency].live--
	q.Push(k)
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() int { return len(q.queued) }

// Pop implements workqueue.Queue.
func (q *fairQueue) Pop() key {
	next := q.next()
	place := q.waiting[next].pop()
	delete(q.queued, place.key)
	return place.key
}

// next is the urgency that is taken from: the highest there is, and every now
// and then the lowest.
func (q *fairQueue) next() urgency {
	highest, lowest := housekeeping, decision
	for u := range urgencies {
		if q.waiting[u].live > 0 {
			highest = u
			lowest = min(lowest, u)
		}
	}
	if highest == lowest {
		return highest
	}
	if q.taken++; q.taken > turns {
		q.taken = 0
		return lowest
	}
	return highest
}

// lanes are the places of one urgency, a lane for each requester. The lanes take
// turns.
type lanes struct {
	order []*lane
	of    map[string]*lane
	live  int // places that are not void
}

type lane struct {
	requester string
	places    []*queuedKey
}

func (l *lanes) push(requester string, place *queuedKey) {
	in, ok := l.of[requester]
	if !ok {
		in = &lane{requester: requester}
		if l.of == nil {
			l.of = map[string]*lane{}
		}
		l.of[requester] = in
		l.order = append(l.order, in)
	}
	in.places = append(in.places, place)
	l.live++
}

// pop takes the first place of the lane whose turn it is. There has to be one
// that is not void.
func (l *lanes) pop() *queuedKey {
	for {
		turn := l.order[0]
		l.order[0] = nil
		l.order = l.order[1:]
		place := turn.pop()
		if len(turn.places) > 0 {
			l.order = append(l.order, turn)
		} else {
			delete(l.of, turn.requester)
		}
		if place != nil {
			l.live--
			return place
		}
	}
}

// pop takes the lane's first place that is not void; nil when there is none.
func (l *lane) pop() *queuedKey {
	for len(l.places) > 0 {
		place := l.places[0]
		l.places[0] = nil
		l.places = l.places[1:]
		if !place.void {
			return place
		}
	}
	return nil
}
