package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"teleport-jira/internal/fakejira"
)

// Validate stands before a Jira and fails the test where the traffic departs
// from Atlassian's document: a request with parameters or a body that the
// document does not allow and Jira accepted all the same, an answer in another
// form than documented or without the fields that a client lives on, and a
// status that the operation does not have. Calls of addresses that are no
// operation must be refused.
//
// The handler is passed through unvalidated, with a line in the test's log,
// where the documents are absent. It may be called concurrently, until the
// test ends.
func Validate(tb testing.TB, f fakejira.Flavour, h http.Handler) http.Handler {
	tb.Helper()
	doc, err := loaded.of(f)
	if errors.Is(err, errAbsent) {
		tb.Logf("traffic is not validated: %v", err)
		return h
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &validator{tb: tb, doc: doc, next: h}
}

type validator struct {
	tb   testing.TB
	doc  *document
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (v *validator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.tb.Errorf("%s %s: read request: %v", r.Method, r.URL, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := &recorder{ResponseWriter: w}
	v.next.ServeHTTP(rec, r) // a cut connection panics through: there is no answer to validate
	if err := v.check(r, body, rec); err != nil {
		v.tb.Errorf("%s %s answered %d: %v\nsent: %.2000s\nanswered: %.4000s", r.Method, r.URL, rec.status, err, body, rec.body.String())
	}
}

// recorder keeps a copy of what it passes on.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// undocumented are statuses that any operation may answer: those of routing,
// of limits and of gateways, and refused logins and parameters.
func undocumented(status int) bool {
	return status >= 500 || slices.Contains([]int{
		http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusRequestEntityTooLarge,
	}, status)
}

func (v *validator) check(r *http.Request, body []byte, rec *recorder) error {
	route, params := v.doc.find(r)
	if route == nil {
		// Boards are Jira Software's, of which there is no document for Cloud.
		if rec.status < 400 && !strings.HasPrefix(r.URL.Path, "/rest/agile/") {
			return errors.New("the document has no such operation")
		}
		return nil
	}
	if route.Operation.Responses.Status(rec.status) == nil && !undocumented(rec.status) {
		return errors.New("the operation has no such status")
	}
	in := &openapi3filter.RequestValidationInput{
		Request: again(r, body), PathParams: params, QueryParams: r.URL.Query(), Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	if rec.status < 300 {
		if err := v.checkRequest(r.Context(), in); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	return v.checkAnswer(r.Context(), in, rec)
}

// again is the request with a body that can be read.
func again(r *http.Request, body []byte) *http.Request {
	c := r.Clone(context.WithoutCancel(r.Context()))
	c.Body = io.NopCloser(bytes.NewReader(body))
	return c
}

func (v *validator) checkRequest(ctx context.Context, in *openapi3filter.RequestValidationInput) error {
	for name := range in.QueryParams {
		if !documented(in.Route, name) {
			return fmt.Errorf("query parameter %q is not documented", name)
		}
	}
	return openapi3filter.ValidateRequest(context.WithoutCancel(ctx), in)
}

func documented(r *routers.Route, param string) bool {
	return slices.ContainsFunc(slices.Concat(r.PathItem.Parameters, r.Operation.Parameters), func(p *openapi3.ParameterRef) bool {
		return p.Value.In == "query" && p.Value.Name == param
	})
}

func (v *validator) checkAnswer(ctx context.Context, in *openapi3filter.RequestValidationInput, rec *recorder) error {
	if rec.body.Len() == 0 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		if in.Request.Method == http.MethodGet && rec.status == http.StatusOK {
			return errors.New("the answer is no JSON")
		}
		return nil
	}
	header := rec.Header().Clone()
	header.Set("Content-Type", "application/json")
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: rec.status, Header: header, Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(rec.body.Bytes())),
	}
	if err := openapi3filter.ValidateResponse(context.WithoutCancel(ctx), out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return checkEssentials(in.Route, rec.status, rec.body.Bytes())
}

// find is the operation of a request. Literal segments win over parameters.
func (d *document) find(r *http.Request) (*routers.Route, map[string]string) {
	path, found := strings.CutPrefix(r.URL.EscapedPath(), d.prefix)
	if i := strings.Index(path, "/rest/"); i > 0 {
		path = path[i:] // behind a gateway
	}
	if !found {
		return nil, nil
	}
	var best *routers.Route
	var bestParams map[string]string
	for pattern, item := range d.spec.Paths.Map() {
		params, match := matchPath(pattern, path)
		op := item.GetOperation(r.Method)
		if !match || op == nil || best != nil && len(params) >= len(bestParams) {
			continue
		}
		best = &routers.Route{Spec: d.spec, Path: pattern, PathItem: item, Method: r.Method, Operation: op}
		bestParams = params
	}
	return best, bestParams
}

func matchPath(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		if name, isParam := strings.CutPrefix(w, "{"); isParam {
			value, err := url.PathUnescape(have[i])
			if err != nil || value == "" {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = value
			continue
		}
		if w != have[i] {
			return nil, false
		}
	}
	return params, true
}
