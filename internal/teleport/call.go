package teleport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gravitational/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"teleport-jira/internal/access"
)

// maxMessage bounds what is kept of Teleport's error message, in bytes. A dial
// that failed in every way returns pages of text.
const maxMessage = 1000

// method describes a call to the Auth Service.
type method struct {
	name  string     // label "method" of the metrics
	op    string     // operation named in errors
	write bool       // may have an effect, so that a lost answer is ambiguous
	list  bool       // returns a page of things, and gets more time
	needs permission // the rule that it requires, where one rule covers it
}

// permission is a rule that a role must hold in allow.rules.
type permission struct{ kind, verbs string }

func permPluginData() permission { return permission{"access_plugin_data", "list, read, update"} }
func permRequests() permission   { return permission{"access_request", "list, read"} }
func permLocks() permission      { return permission{"lock", "create, update"} }
func permRules() permission      { return permission{"access_monitoring_rule", "list, read"} }
func permUsers() permission      { return permission{"user", "list, read"} }

// String returns the instruction to add the rule.
func (p permission) String() string {
	return fmt.Sprintf("add to a role of the daemon allow.rules: [{resources: [%s], verbs: [%s]}]", p.kind, p.verbs)
}

// timeout bounds the call.
func (m method) timeout() time.Duration {
	if m.list {
		return listTimeout
	}
	return callTimeout
}

func methodPing() method  { return method{name: "ping", op: "ping cluster"} }
func methodRoles() method { return method{name: "own_roles", op: "read own roles"} }
func methodGetRequest() method {
	return method{name: "get_request", op: "read request", needs: permRequests()}
}

func methodListRequest() method {
	return method{name: "list_requests", op: "list requests", list: true, needs: permRequests()}
}

func methodGetData() method {
	return method{name: "get_plugin_data", op: "read record", needs: permPluginData()}
}
func methodNames() method { return method{name: "resource_names", op: "read resource names"} }
func methodListUsers() method {
	return method{name: "list_users", op: "list users", list: true, needs: permUsers()}
}

func methodListRules() method {
	return method{name: "list_monitoring_rules", op: "list access monitoring rules", needs: permRules()}
}

func methodGetUser() method {
	return method{name: "get_user", op: "read user", needs: permUsers()}
}

func methodWatch() method { return method{name: "watch", op: "watch requests", needs: permRequests()} }

func methodSwapData() method {
	return method{name: "update_plugin_data", op: "update record", write: true, needs: permPluginData()}
}

func methodReview() method {
	return method{name: "submit_review", op: "submit review of request", write: true}
}

func methodSetState() method {
	return method{name: "set_state", op: "set state of request", write: true}
}

func methodLock() method {
	return method{name: "lock_request", op: "lock request", write: true, needs: permLocks()}
}

// methods returns all of them, for the metrics.
func methods() []method {
	return []method{
		methodPing(), methodRoles(), methodGetRequest(), methodListRequest(), methodGetData(), methodNames(),
		methodListUsers(), methodListRules(), methodGetUser(), methodWatch(), methodSwapData(), methodReview(), methodSetState(),
		methodLock(),
	}
}

// call makes one call over the current connection, with the method's timeout.
// It counts the call and converts its error to *access.Error. To a cluster that
// is known not to work nothing is sent: the error is an access.ErrAway then.
func call[T any](
	ctx context.Context, c *Client, m method, key string, fn func(context.Context, api) (T, error),
) (T, error) {
	var zero T
	if away := c.circuit.reason(); away != nil {
		return zero, &access.Error{Op: m.op, Key: key, Class: away.Class, Err: fmt.Errorf("%w: %w", access.ErrAway, away)}
	}
	conn, err := c.acquire()
	if err != nil {
		return zero, &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: err}
	}
	defer conn.release()
	v, err := callOver(ctx, c.metrics, conn.api, m, key, fn)
	if concernsCluster(err) && ctx.Err() == nil {
		c.circuit.doubt()
	}
	return v, err
}

// circuit keeps calls from a cluster that is known not to work. Watch opens and
// closes it. Safe for concurrent use.
type circuit struct {
	away   atomic.Pointer[access.Error] // why no call is made; nil while the circuit is closed
	opened atomic.Bool                  // it was open since the last subscription
	doubts chan struct{}                // holds one token while a call has failed as if the cluster were away
}

func newCircuit() *circuit { return &circuit{doubts: make(chan struct{}, 1)} }

// reason is why no call is made; nil when calls are.
func (b *circuit) reason() *access.Error { return b.away.Load() }

// open keeps calls back.
func (b *circuit) open(why *access.Error) {
	b.opened.Store(true)
	b.away.Store(why)
}

// close lets calls through again.
func (b *circuit) close() { b.away.Store(nil) }

// recovered closes it, and reports whether it was open since the last call.
func (b *circuit) recovered() bool {
	b.close()
	return b.opened.Swap(false)
}

// doubt has Watch ask whether the cluster works.
func (b *circuit) doubt() {
	select {
	case b.doubts <- struct{}{}:
	default:
	}
}

// concernsCluster reports whether an error may concern all of the cluster: no
// answer, or a refused certificate.
func concernsCluster(err error) bool {
	class := access.ClassOf(err)
	return err != nil && !errors.Is(err, access.ErrConflict) && (class == access.Temporary || class == access.Unauth)
}

// callOver is call over a connection that the caller has acquired.
func callOver[T any](
	ctx context.Context, metrics *Metrics, a api, m method, key string, fn func(context.Context, api) (T, error),
) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout())
	defer cancel()
	v, err := fn(ctx, a)
	if err != nil {
		wrapped := m.wrap(key, err)
		metrics.called(m, wrapped)
		var zero T
		return zero, wrapped
	}
	metrics.called(m, nil)
	return v, nil
}

// apiError is an error of the Auth Service or its client with its message in
// one bounded line.
type apiError struct {
	message  string
	sentinel error // the sentinel that errors.Is finds; may be nil
	err      error // the original
}

func (e *apiError) Error() string { return e.message }

// Unwrap returns the sentinel and the original error.
func (e *apiError) Unwrap() []error {
	if e.sentinel == nil {
		return []error{e.err}
	}
	return []error{e.sentinel, e.err}
}

// wrap converts an error of the client to one of package access. A write whose
// answer was lost is Ambiguous. A denied access names the missing rule.
func (m method) wrap(key string, err error) *access.Error {
	e := &access.Error{Op: m.op, Key: key, Class: access.Temporary}
	cause := &apiError{message: messageOf(err), err: err}
	e.Err = cause
	switch {
	case trace.IsNotFound(err):
		e.Class, cause.sentinel = access.Permanent, access.ErrNotFound
	case trace.IsCompareFailed(err):
		cause.sentinel = access.ErrConflict
	case trace.IsAccessDenied(err):
		e.Class = access.Permanent
		if m.needs != (permission{}) {
			cause.message += "; " + m.needs.String()
		}
	case trace.IsBadParameter(err), trace.IsNotImplemented(err):
		e.Class = access.Permanent
	case trace.IsLimitExceeded(err):
		e.Class = access.Limited
	case status.Code(err) == codes.Unauthenticated, certificateRefused(err):
		e.Class = access.Unauth
	default:
		e.Ambiguous = m.write
	}
	return e
}

// certificateRefused reports whether the server refused the daemon's
// certificate: in the TLS handshake, whose alert gRPC reports as text only, or
// before that in the Proxy's SSH handshake: the user's CA was rotated, the user
// was deleted, the certificate expired, or it is another cluster's.
func certificateRefused(err error) bool {
	for _, refusal := range []string{
		"ssh: handshake failed: ssh: unable to authenticate",
		"ssh: no authorities for hostname",
	} {
		if strings.Contains(err.Error(), refusal) {
			return true
		}
	}
	_, alert, found := strings.Cut(err.Error(), "remote error: tls: ")
	if !found {
		return false
	}
	for _, refusal := range []string{
		"bad certificate", "expired certificate", "revoked certificate",
		"unknown certificate", "certificate required",
	} {
		if strings.HasPrefix(alert, refusal) {
			return true
		}
	}
	return false
}

// messageOf returns Teleport's error message in one bounded line.
func messageOf(err error) string {
	return truncate(strings.Join(strings.Fields(trace.UserMessage(err)), " "), maxMessage)
}

// serverMessage returns Teleport's message without the operation and key that
// wrap it.
func serverMessage(err error) string {
	var cause *apiError
	if errors.As(err, &cause) {
		return cause.message
	}
	return err.Error()
}

// truncate shortens s to at most size bytes, at a character border, and marks
// the cut. Teleport's limits count bytes.
func truncate(s string, size int) string {
	const mark = "…"
	if len(s) <= size {
		return s
	}
	end := size - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if end <= 0 {
		return ""
	}
	return s[:end] + mark
}

// truncateList shortens a list separated by commas to at most size bytes, at
// a whole element.
func truncateList(s string, size int) string {
	if len(s) <= size {
		return s
	}
	return s[:max(0, strings.LastIndexByte(s[:size+1], ','))]
}
