package reconcile

import (
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

const (
	// maxNoticeRetry is the longest pause between two tries to write comments
	// that keep failing.
	maxNoticeRetry = 10 * time.Minute
	// patience is how often in a row a transition, or the comment that answers a
	// status change, may fail for a while before what comes after it is done
	// all the same.
	patience = 4
	// maxNotices bounds for how many requests comments are kept, and noticeTTL
	// for how long. One that is dropped is in the log.
	maxNotices = 10_000
	noticeTTL  = 24 * time.Hour
)

// notices are what keeps failing without keeping anything else from being done.
// Its methods may be called concurrently.
type notices struct {
	retries workqueue.TypedRateLimiter[key] // backoff of requests of which nothing else is to do

	mu       sync.Mutex
	kept     *ttlcache.Cache[access.RequestID, []access.CommentDraft] // guarded by mu
	failures *ttlcache.Cache[effectKey, int]                          // in a row; guarded by mu
}

// effectKey names a comment by its dedup key, or a transition by its state.
type effectKey struct {
	id   access.RequestID
	name string
}

func newNotices() *notices {
	return &notices{
		retries:  workqueue.NewTypedItemExponentialFailureRateLimiter[key](minRetry, maxNoticeRetry),
		kept:     ttlcache.New[access.RequestID, []access.CommentDraft](maxNotices, noticeTTL),
		failures: ttlcache.New[effectKey, int](maxNotices, noticeTTL),
	}
}

// keep takes a comment that no plan would ask for again, for a later try.
func (n *notices) keep(id access.RequestID, d access.CommentDraft) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, _ := n.kept.Get(id)
	if !slices.ContainsFunc(kept, func(k access.CommentDraft) bool { return k.DedupKey == d.DedupKey }) {
		n.kept.Put(id, append(slices.Clip(kept), d))
	}
}

// failed counts one more failure and returns how many there were in a row.
func (n *notices) failed(id access.RequestID, name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count, _ := n.failures.Get(effectKey{id, name})
	n.failures.Put(effectKey{id, name}, count+1)
	return count + 1
}

// done forgets what has worked.
func (n *notices) done(id access.RequestID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures.Delete(effectKey{id, name})
	kept, ok := n.kept.Get(id)
	if !ok {
		return
	}
	kept = slices.DeleteFunc(slices.Clone(kept), func(k access.CommentDraft) bool { return k.DedupKey == name })
	if len(kept) > 0 {
		n.kept.Put(id, kept)
	} else {
		n.kept.Delete(id)
	}
}

// steps are the comments kept of a request that the planned steps don't write,
// to be written after them.
func (n *notices) steps(id access.RequestID, planned []plan.Step, rec access.Record) []plan.Step {
	n.mu.Lock()
	kept, _ := n.kept.Get(id)
	n.mu.Unlock()
	if len(planned) > 0 {
		rec = planned[len(planned)-1].Then
	}
	var steps []plan.Step
	for _, d := range kept {
		if !slices.ContainsFunc(planned, func(s plan.Step) bool { return s.Writes(d.DedupKey) }) {
			steps = append(steps, plan.CommentStep(rec, d))
		}
	}
	return steps
}
