package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/throttle"
)

const (
	readTries = 3 // a read and at most two repetitions
	apiPrefix = "rest/api/2"
)

// call is one HTTP call to Jira.
type call struct {
	op       string // for errors: "comment on issue"
	key      string // for errors: on what
	method   string
	endpoint string // template below /rest/api/2; metrics and limits go by it
	path     string // below /rest/api/2, with query; every id in it validated
	issue    string // the issue it writes to
	body     any
	read     bool // has no effect, and may be repeated
	yields   bool // lets other calls that wait go first
	// wantStatus is the status by which Jira says that it was done; 0 for any 2xx.
	// Proxies answer with pages of their own by 200.
	wantStatus int
	// essential says that it works wherever Jira can be used at all: when it is
	// refused, Jira as a whole is of no use.
	essential  bool
	fallbackOn []int // statuses after which an essential call is made another way
	limit      int64 // the most bytes of the answer that are read; 0 means maxAnswer
}

func (k call) error(class access.Class, err error) *access.Error {
	return &access.Error{Op: k.op, Key: k.key, Class: class, Err: err}
}

// call makes the call and decodes the answer into out, unless that is nil. Reads
// are repeated on temporary errors; a write is one try. Errors are
// *access.Error.
func (c *Client) call(ctx context.Context, k call, out any) error {
	if !k.read {
		return asError(c.try(ctx, k, out))
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 200 * time.Millisecond
	var last *access.Error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = c.try(ctx, k, out)
		switch {
		case last == nil:
			return struct{}{}, nil
		case errors.Is(last, access.ErrAway):
		case last.Class == access.Temporary, last.Status == http.StatusTooManyRequests:
			return struct{}{}, last
		}
		return struct{}{}, backoff.Permanent(last)
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(readTries))
	switch {
	case err == nil:
		return nil
	case last == nil:
		return k.error(access.Temporary, err)
	}
	return last
}

// asError keeps a nil *access.Error from becoming a non-nil error.
func asError(err *access.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// try makes the call once, and remembers what it says about Jira.
func (c *Client) try(ctx context.Context, k call, out any) *access.Error {
	began := time.Now()
	err := c.confirm(ctx, k, c.roundTrip(ctx, k, out), began)
	c.health.record(k, err)
	c.circuit.note(err)
	return err
}

// roundTrip sends the call and reads the answer.
func (c *Client) roundTrip(ctx context.Context, k call, out any) *access.Error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	ctx, progress := traced(throttle.WithCall(ctx, throttle.Call{Endpoint: k.endpoint, Issue: k.issue, Yields: k.yields}))
	req, err := c.api.NewRequestWithContext(ctx, k.method, apiPrefix+k.path, k.body)
	if err != nil {
		return k.error(access.Permanent, err)
	}
	// With no result type go-jira leaves the body alone, whatever the status;
	// it is bounded and closed here.
	resp, err := c.api.Do(req, nil)
	if resp == nil {
		return c.transportError(k, err, progress.ambiguous(err))
	}
	defer drain(resp.Body)
	answer := &answerReader{ctx: ctx, body: resp.Body, limit: cmp.Or(k.limit, maxAnswer), slots: c.answers}
	defer answer.release()
	var body []byte
	stream, isStream := out.(streamed)
	good := resp.StatusCode >= 200 && resp.StatusCode <= 299
	if isStream && good {
		err = readError(stream.decodeFrom(json.NewDecoder(answer)))
		out = nil
	} else {
		body, err = io.ReadAll(answer)
	}
	if !good {
		return c.answerError(k, resp.Response, body)
	}
	switch {
	case err != nil:
	case k.wantStatus != 0 && resp.StatusCode != k.wantStatus && len(bytes.TrimSpace(body)) > 0:
		err = fmt.Errorf("answered %d with a body, not %d; is there a proxy in between?", resp.StatusCode, k.wantStatus)
	case out != nil:
		err = decode(body, out)
	}
	if err != nil {
		e := k.error(access.Temporary, fmt.Errorf("read answer: %w", err))
		e.Status, e.Ambiguous = resp.StatusCode, !k.read
		if k.read && errors.Is(err, errTooLong) {
			e.Class = access.Permanent // it is as long the next time
		}
		return e
	}
	return nil
}

var errNotJira = errors.New("JSON, but not Jira's; is there a proxy in between?")

var errNotJSON = errors.New("not JSON; is there a proxy or login page in between?")

func decode(body []byte, out any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := readError(d.Decode(out)); err != nil {
		return err
	}
	if answer, ok := out.(complete); ok && !answer.isComplete() {
		return errNotJira
	}
	return nil
}

// readError is what a failure to decode an answer says about who answered.
func readError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errNotJSON
	}
	return err
}

// complete is an answer that reports whether it holds what Jira always sends. Where
// nothing is there, nobody must conclude that there is nothing.
type complete interface{ isComplete() bool }

// progress tells how far a call got.
type progress struct{ requested, connected atomic.Bool }

// traced observes the call made with the context.
func traced(ctx context.Context) (context.Context, *progress) {
	p := &progress{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.requested.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	}), p
}

// ambiguous reports whether Jira may have seen a call that ended in err. A call
// that asked for a connection and got none was not sent: refused, no such
// host, TLS failed. A transport that does not say is not trusted.
func (p *progress) ambiguous(err error) bool {
	var notSent *throttle.NotSentError
	if errors.As(err, &notSent) {
		return false
	}
	return p.connected.Load() || !p.requested.Load()
}
