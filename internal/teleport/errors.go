package teleport

import (
	"strings"

	"github.com/gravitational/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"teleport-jira/internal/access"
)

// maxWords bounds what is kept of Teleport's words, in runes. A dial that
// failed on every way answers pages of them.
const maxWords = 1000

// cause is an error of the Auth Service in one line, and what it means to the
// callers of this package.
type cause struct {
	words string
	// is the sentinel that it stands for; nil when there is none.
	is  error
	err error
}

func (c *cause) Error() string { return c.words }

// Unwrap gives the sentinel and the original error.
func (c *cause) Unwrap() []error {
	if c.is == nil {
		return []error{c.err}
	}
	return []error{c.is, c.err}
}

// wrap turns an error of the client into one of package access. A write whose
// answer did not come is unsure. Where access was denied, the words name the
// rule that is missing.
func (m method) wrap(key string, err error) *access.Error {
	e := &access.Error{Op: m.op, Key: key, Class: access.Temporary}
	c := &cause{words: words(err), err: err}
	e.Err = c
	switch {
	case trace.IsNotFound(err):
		e.Class, c.is = access.Permanent, access.ErrNotFound
	case trace.IsCompareFailed(err):
		c.is = access.ErrConflict
	case trace.IsAccessDenied(err):
		e.Class = access.Permanent
		if m.needs != (need{}) {
			c.words += "; " + m.needs.String()
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

// certificateRefused tells whether the server turned the daemon's certificate
// down in the TLS handshake. gRPC passes the alert on as text only.
func certificateRefused(err error) bool {
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

// words is what Teleport says, in one line of bounded length.
func words(err error) string {
	return cut(strings.Join(strings.Fields(trace.UserMessage(err)), " "), maxWords)
}

// cut shortens s to at most n runes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
