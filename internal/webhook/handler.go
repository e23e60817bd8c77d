// Package webhook is the HTTP handler for Jira's webhooks: it limits,
// authenticates and decodes what comes in, enqueues a hint about the issue, and
// answers.
//
// What a webhook says is a hint and nothing more. The package may not decide
// anything, not call Jira or Teleport, not wait for the work that a hint
// causes, and not use who the payload says did it.
package webhook

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/sender"
)

// What one webhook, and all of them together, may cost.
const (
	// maxBody is the most that is read of a body. Jira Cloud sends 25 MB at most:
	// https://developer.atlassian.com/cloud/jira/platform/webhooks/
	maxBody = 25 << 20
	// smallBody is how much every webhook in flight may have in memory. Payloads of a few
	// dozen kilobytes are usual.
	smallBody = 64 << 10
	// maxInFlight is how many webhooks are handled at once. Jira Cloud delivers
	// 20 at once.
	maxInFlight = 512
	// maxMedium is how many of them may be larger than smallBody, up to mediumBody,
	// and maxLarge how many may be larger still. All bodies together are 65 MiB at
	// most, in buffers of up to twice that but for the largest.
	mediumBody = 1 << 20
	maxMedium  = 8
	maxLarge   = 1
	// mediumStay and largeStay are how long these have to arrive before others may
	// take their slots. Those of small ones may be taken at once: an honest one has
	// arrived before hundreds of others could come.
	mediumStay = time.Second
	largeStay  = 5 * time.Second
	// bodyTimeout is how long a body may take to arrive: Jira Cloud gives up after
	// 20 s.
	bodyTimeout = 10 * time.Second
	// retryAfter is sent as Retry-After with 503.
	retryAfter = 10 * time.Second
)

// Enqueuer is where hints about changed issues go.
type Enqueuer interface {
	// EnqueueIssue enqueues the issue and returns at once. It may be called
	// concurrently. It returns false when the queue is full or not at work, and
	// keeps nothing then.
	EnqueueIssue(hint access.IssueHint) bool
}

// Options are what a Handler depends on.
type Options struct {
	Enqueuer   Enqueuer
	Auth       Auth
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Handler answers POST / and POST /webhook, and GET /status with 200 and no
// body. It may be used concurrently.
type Handler struct {
	mux      *http.ServeMux
	enqueuer Enqueuer
	log      *slog.Logger
	refusals *logging.Limited
	arrivals *arrivals
	metrics  *metrics
	auth     atomic.Pointer[Auth]
	small    *slots // of all webhooks in flight
	medium   *slots // of those larger than smallBody, too
	large    *slots // of those larger than mediumBody, too
}

// New makes a Handler. It registers its metrics and so may be called once for
// each registerer.
func New(o Options) *Handler {
	h := &Handler{
		mux:      http.NewServeMux(),
		enqueuer: o.Enqueuer,
		log:      o.Log,
		refusals: logging.NewLimited(refusalInterval),
		arrivals: &arrivals{log: o.Log},
		metrics:  newMetrics(o.Registerer),
		small:    newSlots(maxInFlight, 0),
		medium:   newSlots(maxMedium, mediumStay),
		large:    newSlots(maxLarge, largeStay),
	}
	h.SetAuth(o.Auth)
	h.mux.HandleFunc("/{$}", h.webhook)
	h.mux.HandleFunc("/webhook", h.webhook)
	h.mux.HandleFunc("GET /status", func(http.ResponseWriter, *http.Request) {})
	return h
}

// SetAuth replaces the authentication for the webhooks that come from now on.
func (h *Handler) SetAuth(a Auth) { h.auth.Store(&a) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// webhook answers one webhook.
func (h *Handler) webhook(w http.ResponseWriter, r *http.Request) {
	res := h.receive(w, r)
	h.metrics.webhooks.WithLabelValues(string(res)).Inc()
	h.arrivals.note(r.Context(), res)
	h.logResult(r, res)
	switch res {
	case method:
		w.Header().Set("Allow", http.MethodPost)
	case unauthenticated:
		// A user and password in a webhook's URL are sent by some senders only
		// when they are asked for.
		if h.auth.Load().user != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="teleport-jira"`)
		}
	case overloaded:
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	w.WriteHeader(res.status())
}

// receive takes a webhook through all checks, the cheapest first, and enqueues
// its hint.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) result {
	auth := h.auth.Load()
	switch {
	case r.Method != http.MethodPost:
		return method
	case r.ContentLength > maxBody:
		return tooLarge
	case !auth.checkHeader(r):
		return unauthenticated
	}
	return h.withBody(w, r, func(body []byte) result {
		if !auth.checkBody(r, body) {
			return unauthenticated
		}
		return h.enqueue(body)
	})
}

// enqueue decodes an authenticated body and enqueues its hint if it matters.
func (h *Handler) enqueue(body []byte) result {
	hint, matters, err := decode(body)
	switch {
	case err != nil:
		return malformed
	case !matters:
		return ignored
	case !h.enqueuer.EnqueueIssue(hint):
		return overloaded
	}
	return accepted
}

// withBody reads the body and passes it to use, or returns why it could not be
// read. The more of it there is, the fewer slots there are for as much, which
// bounds the memory.
func (h *Handler) withBody(w http.ResponseWriter, r *http.Request, use func([]byte) result) result {
	conn := http.NewResponseController(w)
	// A connection without deadlines has the server's own.
	_ = conn.SetReadDeadline(time.Now().Add(bodyTimeout))
	from := sender.Of(r.RemoteAddr)
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	var body bytes.Buffer
	var room room
	defer room.leave()
	for _, part := range []struct {
		slots *slots
		upTo  int64
	}{{h.small, smallBody}, {h.medium, mediumBody}, {h.large, maxBody + 1}} {
		if !room.enter(part.slots, from, func() { _ = conn.SetReadDeadline(time.Now()) }) {
			return overloaded
		}
		_, err := io.CopyN(&body, limited, part.upTo-int64(body.Len()))
		if err == nil {
			continue
		}
		res := readResult(err)
		switch {
		case !room.keep():
			return overloaded
		case res != "":
			return res
		}
		return use(body.Bytes())
	}
	return tooLarge
}

// readResult returns what an error on reading a body means; "" for its end.
func readResult(err error) result {
	var large *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return ""
	case errors.As(err, &large):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return timeout
	}
	return malformed
}
