package fakejira

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Event is a webhook event that the double fires.
type Event string

// The events. Data Center fires EventUpdated besides EventCommented for a
// comment.
const (
	EventCreated   Event = "jira:issue_created"
	EventUpdated   Event = "jira:issue_updated"
	EventDeleted   Event = "jira:issue_deleted"
	EventCommented Event = "comment_created"
)

// Webhook is a registered receiver.
type Webhook struct {
	URL      string
	Events   []Event // empty means all
	Secret   string  // signs X-Hub-Signature; empty means no signature
	User     string  // basic authentication, Data Center; empty means none
	Password string
	// Concurrency is how many deliveries run at once; default 20 on Cloud and
	// 5 on Data Center. With 1 they arrive in the order of their events.
	Concurrency int
	// RetryScale scales Cloud's waits of 5 to 15 minutes between attempts;
	// default 1. Data Center never retries.
	RetryScale float64
	// Shuffle delays each delivery by a random time up to it, so that events
	// arrive out of order, as Data Center's do.
	Shuffle time.Duration
	// Lose tells which deliveries are lost on the way; nil loses none. It must
	// not call the Server.
	Lose func(Delivery) bool
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	Event      Event
	IssueID    string
	Identifier string // X-Atlassian-Webhook-Identifier: the same in all attempts
	Body       []byte
	Attempts   []Attempt
	Lost       bool // dropped by Webhook.Lose
	Done       bool // no attempt will follow
}

// Attempt is one try to deliver.
type Attempt struct {
	At     time.Time
	Status int   // 0 when there was no answer
	Err    error // nil when there was
}

// Delivery limits of Jira Cloud: attempts, and the longest that connecting and
// an answer may take.
const (
	connectTimeout = 5 * time.Second
	mostAttempts   = 6 // the first and 5 more
	deliverTimeout = 20 * time.Second
)

// webhooks deliver events. Its lock is never held while the server's is taken.
type webhooks struct {
	flavour   Flavour
	transport http.RoundTripper
	keep      int // deliveries

	mu         sync.Mutex
	hooks      []*hook
	deliveries []*Delivery
	pending    int           // deliveries that are not done
	idle       chan struct{} // closed when pending is 0
	closed     bool
	cancels    map[*Delivery]context.CancelFunc // of the attempts that run
	running    sync.WaitGroup
	timers     map[*time.Timer]struct{}
	random     *rand.Rand
}

// hook is a registered webhook with its queue.
type hook struct {
	Webhook
	queue  []*Delivery
	active int // workers
}

func newWebhooks(o Options) *webhooks {
	const seed = 1
	w := &webhooks{
		flavour: o.Flavour, transport: o.WebhookTransport, keep: o.CallLog, idle: make(chan struct{}),
		timers: map[*time.Timer]struct{}{}, cancels: map[*Delivery]context.CancelFunc{},
		random: rand.New(rand.NewPCG(seed, seed)), // the seed is fixed: every run is to shuffle alike
	}
	close(w.idle)
	return w
}

// RegisterWebhook adds a receiver, as an administrator does in Jira's
// settings. remove takes it away; what is on its way is still delivered.
func (s *Server) RegisterWebhook(h Webhook) (remove func()) {
	w := s.webhooks
	if h.Concurrency == 0 {
		h.Concurrency = 20
		if w.flavour == DataCenter {
			h.Concurrency = 5
		}
	}
	if h.RetryScale == 0 {
		h.RetryScale = 1
	}
	entry := &hook{Webhook: h}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks = append(w.hooks, entry)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hooks = slices.DeleteFunc(w.hooks, func(have *hook) bool { return have == entry })
	}
}

// Deliveries are copies of the latest deliveries, at most Options.CallLog, in
// the order of events.
func (s *Server) Deliveries() []Delivery {
	w := s.webhooks
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Delivery
	for _, d := range w.deliveries[max(0, len(w.deliveries)-w.keep):] {
		c := *d
		c.Attempts = slices.Clone(d.Attempts)
		all = append(all, c)
	}
	return all
}

// Settle waits until every delivery is done, retries included.
func (s *Server) Settle(ctx context.Context) error {
	w := s.webhooks
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("settle webhooks: %w", ctx.Err())
	}
}

// Redeliver sends a delivery once more, as a replay: same body, signature and
// identifier.
func (s *Server) Redeliver(d Delivery) {
	w := s.webhooks
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hooks {
		w.add(h, &Delivery{Event: d.Event, IssueID: d.IssueID, Identifier: d.Identifier, Body: d.Body})
	}
}

// wanted reports whether any webhook is registered, so that payloads are not
// made for nobody.
func (w *webhooks) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.hooks) > 0 && !w.closed
}

// fire sends an event to all webhooks that want it.
func (w *webhooks) fire(e Event, issueID string, payload object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var body []byte
	for _, h := range w.hooks {
		if len(h.Events) > 0 && !slices.Contains(h.Events, e) {
			continue
		}
		if body == nil {
			body = marshal(payload)
		}
		id := strconv.FormatUint(w.random.Uint64(), 36)
		w.add(h, &Delivery{Event: e, IssueID: issueID, Identifier: id, Body: body})
	}
}

// add takes a delivery on. The lock is held.
func (w *webhooks) add(h *hook, d *Delivery) {
	if w.closed {
		return
	}
	if len(w.deliveries) == 2*w.keep {
		w.deliveries = slices.Clone(w.deliveries[w.keep:])
	}
	w.deliveries = append(w.deliveries, d)
	if h.Lose != nil && h.Lose(*d) {
		d.Lost, d.Done = true, true
		return
	}
	if w.pending == 0 {
		w.idle = make(chan struct{})
	}
	w.pending++
	if h.Shuffle > 0 {
		w.later(h, d, time.Duration(w.random.Int64N(int64(h.Shuffle))))
		return
	}
	w.enqueue(h, d)
}

// later enqueues a delivery after a while. The lock is held.
func (w *webhooks) later(h *hook, d *Delivery, after time.Duration) {
	var t *time.Timer
	t = time.AfterFunc(after, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.timers, t)
		if !w.closed {
			w.enqueue(h, d)
		}
	})
	w.timers[t] = struct{}{}
}

// enqueue starts a worker unless enough are at work. The lock is held.
func (w *webhooks) enqueue(h *hook, d *Delivery) {
	h.queue = append(h.queue, d)
	if h.active == h.Concurrency {
		return
	}
	h.active++
	w.running.Add(1)
	go w.work(h)
}

// work delivers until the queue is empty.
func (w *webhooks) work(h *hook) {
	defer w.running.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(h.queue) > 0 && !w.closed {
		d := h.queue[0]
		h.queue = h.queue[1:]
		ctx, cancel := context.WithTimeout(context.Background(), deliverTimeout)
		w.cancels[d] = cancel
		w.mu.Unlock()
		a := w.attempt(ctx, h.Webhook, d)
		cancel()
		w.mu.Lock()
		delete(w.cancels, d)
		d.Attempts = append(d.Attempts, a)
		w.conclude(h, d, a)
	}
	h.active--
}

// conclude ends a delivery or plans its next attempt. The lock is held.
func (w *webhooks) conclude(h *hook, d *Delivery, a Attempt) {
	again := a.Err != nil || a.Status >= 500 ||
		slices.Contains([]int{http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests}, a.Status)
	if again && w.flavour == Cloud && len(d.Attempts) < mostAttempts && !w.closed {
		const first, step = 5 * time.Minute, 150 * time.Second // 5 to 15 minutes
		wait := first + time.Duration(len(d.Attempts)-1)*step
		w.later(h, d, time.Duration(float64(wait)*h.RetryScale))
		return
	}
	d.Done = true
	if w.closed {
		return
	}
	w.pending--
	if w.pending == 0 {
		close(w.idle)
	}
}

// attempt posts a delivery once. Redirects are not followed.
func (w *webhooks) attempt(ctx context.Context, h Webhook, d *Delivery) Attempt {
	a := Attempt{At: time.Now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(d.Body))
	if err != nil {
		a.Err = err
		return a
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Atlassian Webhook HTTP Client")
	req.Header.Set("X-Atlassian-Webhook-Identifier", d.Identifier)
	if w.flavour == Cloud {
		req.Header.Set("X-Atlassian-Webhook-Flow", "Primary")
		if len(d.Attempts) > 0 {
			req.Header.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(len(d.Attempts)))
		}
	}
	if h.Secret != "" {
		req.Header.Set("X-Hub-Signature", Signature(h.Secret, d.Body))
	}
	if h.User != "" {
		req.SetBasicAuth(h.User, h.Password)
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		a.Err = err
		return a
	}
	defer resp.Body.Close()
	const enough = 64 << 10
	_, a.Err = io.Copy(io.Discard, io.LimitReader(resp.Body, enough))
	a.Status = resp.StatusCode
	return a
}

// Signature is the value of X-Hub-Signature for a body.
func Signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// close drops what waits, cuts what runs and waits for its end.
func (w *webhooks) close() {
	w.mu.Lock()
	w.closed = true
	for t := range w.timers {
		t.Stop()
	}
	for _, cancel := range w.cancels {
		cancel()
	}
	if w.pending > 0 {
		w.pending = 0
		close(w.idle)
	}
	w.mu.Unlock()
	w.running.Wait()
	if t, pools := w.transport.(interface{ CloseIdleConnections() }); pools {
		t.CloseIdleConnections()
	}
}
