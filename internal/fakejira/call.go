package fakejira

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// maxBody is more than Jira takes in any request the double knows.
const maxBody = 10 << 20

// object is a JSON object.
type object = map[string]any

// call is one API call on its way through the double.
type call struct {
	s      *Server
	r      *http.Request
	query  url.Values
	body   []byte
	route  route
	params map[string]string
	reject *answer // set when there is no such endpoint or the body is unreadable
	began  time.Time
	now    time.Time
	who    *Account // nil is anonymous
	failed bool     // credentials were sent and are wrong
}

// newCall reads the body and finds the route.
func (s *Server) newCall(r *http.Request) *call {
	c := &call{s: s, r: r, query: r.URL.Query(), began: time.Now()}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		c.refuse(failure(http.StatusBadRequest, "request body can't be read"))
	case len(body) > maxBody:
		c.refuse(failure(http.StatusRequestEntityTooLarge, "request body is too large"))
	}
	c.body = body
	if strings.Contains(strings.ToLower(r.URL.RawPath), "%2f") {
		// Tomcat, under every Jira, refuses encoded slashes.
		c.refuse(failure(http.StatusBadRequest, "Bad Request"))
		return c
	}
	c.find()
	if (r.Method == http.MethodPost || r.Method == http.MethodPut) && c.reject == nil &&
		!strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		c.refuse(failure(http.StatusUnsupportedMediaType, "Unsupported Media Type"))
	}
	return c
}

// refuse sets the answer of a call that reaches no endpoint; the first stays.
func (c *call) refuse(a answer) {
	if c.reject == nil {
		c.reject = &a
	}
}

// find sets route and params, or refuses with 404 or 405. Like Tomcat it
// resolves dot segments first.
func (c *call) find() {
	rest, ok := strings.CutPrefix(path.Clean(c.r.URL.Path), c.s.opts.PathPrefix)
	found := false
	for _, rt := range c.s.routes {
		params, match := rt.match(rest)
		if !ok || !match {
			continue
		}
		if rt.method == c.r.Method {
			c.route, c.params = rt, params
			return
		}
		found = true
	}
	if found {
		c.refuse(failure(http.StatusMethodNotAllowed, "Method Not Allowed"))
		return
	}
	c.refuse(answer{status: http.StatusNotFound, body: object{
		"message": "null for uri: " + c.r.URL.Path, "status-code": http.StatusNotFound,
	}})
}

// decode reads the JSON body into v, refusing fields that v does not know, as
// Jira does.
func (c *call) decode(v any) (answer, bool) {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return failure(http.StatusBadRequest,
			"Invalid request payload. Refer to the REST API documentation and try again."), false
	}
	return answer{}, true
}

// list is a comma-separated query parameter, which may also be repeated.
func (c *call) list(name string) []string {
	return splitList(c.query[name])
}

func splitList(values []string) []string {
	var all []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

// number is a numeric query parameter; false when it is no number at all.
func (c *call) number(name string, otherwise int) (int, bool) {
	v := c.query.Get(name)
	if v == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= 0
}

// page reads startAt and maxResults and cuts maxResults to limit.
func (c *call) page(otherwise, limit int) (start, size int, ok bool) {
	start, ok1 := c.number("startAt", 0)
	size, ok2 := c.number("maxResults", otherwise)
	return start, c.s.cap(size, limit), ok1 && ok2
}

// cap is size, at most limit and Options.PageCap.
func (s *Server) cap(size, limit int) int {
	if s.opts.PageCap > 0 {
		limit = min(limit, s.opts.PageCap)
	}
	return min(size, limit)
}

// slicePage is the page of all that begins at start.
func slicePage[T any](all []T, start, size int) []T {
	start = min(start, len(all))
	return all[start:min(start+size, len(all))]
}

// answer is the response to a call.
type answer struct {
	status   int
	header   http.Header
	body     any  // JSON; nil is none, []byte goes out as it is
	abort    bool // the connection dies without an answer
	truncate int  // bytes of the body that go out before the connection dies; 0 is all
}

// failure is an error in Jira's form, with one message about the whole request.
func failure(status int, message string) answer {
	return answer{status: status, body: object{"errorMessages": []string{message}, "errors": object{}}}
}

// fieldErrors collects what is wrong with the fields of a request.
type fieldErrors map[string]string

// add notes the first thing that is wrong with a field.
func (e fieldErrors) add(field, text string) {
	if _, ok := e[field]; !ok {
		e[field] = text
	}
}

// answer is a 400 in Jira's form.
func (e fieldErrors) answer() answer {
	return answer{status: http.StatusBadRequest, body: object{"errorMessages": []string{}, "errors": map[string]string(e)}}
}

// notFound is Jira's answer for an issue that is gone or invisible.
func notFound() answer {
	return failure(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
}

func forbidden(message string) answer { return failure(http.StatusForbidden, message) }

// unauthorized is Jira's answer to a caller who has to log in.
func unauthorized() answer {
	return failure(http.StatusUnauthorized, "You are not authenticated. Authentication required to perform this operation.")
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// write sends the answer.
func (a answer) write(w http.ResponseWriter, c *call) {
	if a.abort {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	raw, isRaw := a.body.([]byte)
	if !isRaw && a.body != nil {
		raw = marshal(a.body)
	}
	if a.body != nil && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json;charset=UTF-8")
	}
	if c.failed {
		h.Set("X-Seraph-Loginreason", "AUTHENTICATED_FAILED")
	}
	if a.truncate > 0 && a.truncate < len(raw) {
		a.writePart(w, raw)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(raw) // a client that went away is not the double's concern
}

// writePart sends the beginning of a body and cuts the connection.
func (a answer) writePart(w http.ResponseWriter, raw []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(a.status)
	_, _ = w.Write(raw[:a.truncate])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// marshal renders JSON as Jira does: markup characters unescaped.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("jira double made an answer that is no JSON: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
