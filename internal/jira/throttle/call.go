package throttle

import (
	"context"
	"net/http"
)

// Call says what limits apply to an HTTP call.
type Call struct {
	Endpoint string // template of the path, such as "/issue/{issue}/comment"; never a path
	Issue    string // the issue that the call writes to; empty for reads
	Yields   bool   // lets other calls go first that wait for a place: there may be many like it
}

type callKey struct{}

// WithCall returns a context whose HTTP call is the one described.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that the context describes.
func CallOf(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}

// scope is what a refusal covers.
type scope string

const (
	scopeEndpoint scope = "endpoint" // one method and endpoint, as burst limits
	scopeIssue    scope = "issue"    // writes to one issue
	scopeAll      scope = "all"      // everything, as quotas and overload
)

// everything is the key of scopeAll.
const everything = "all"

// keys name what backoffs and rates of each scope apply to a call.
type keys struct {
	endpoint string
	issue    string // empty for reads
}

func keysOf(req *http.Request) keys {
	c := CallOf(req.Context())
	k := keys{endpoint: req.Method + " " + c.Endpoint}
	if c.Issue != "" {
		k.issue = "issue " + c.Issue
	}
	return k
}

func (k keys) of(s scope) string {
	switch s {
	case scopeEndpoint:
		return k.endpoint
	case scopeIssue:
		return k.issue
	}
	return everything
}

// backoffs are the keys of the backoffs that hold the call back.
func (k keys) backoffs() [3]string { return [3]string{everything, k.endpoint, k.issue} }

// rates are the keys of the rates that the call counts in.
func (k keys) rates() [2]string { return [2]string{everything, k.endpoint} }
