package fakejira

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// RoundTripper calls the double without a socket, whatever host the request
// names. It runs the handler on the caller's goroutine, returns the context's
// error when the request is given up, and io.ErrUnexpectedEOF when the double
// cuts the connection. Responses come uncompressed.
func (s *Server) RoundTripper() http.RoundTripper { return Direct(s) }

// Direct is RoundTripper for any handler, such as a Server behind a
// middleware.
func Direct(h http.Handler) http.RoundTripper { return direct{h} }

type direct struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := r.Clone(ctx)
	in.Body, in.RequestURI, in.RemoteAddr = body, r.URL.RequestURI(), "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	out := &memoryWriter{header: http.Header{}}
	cut := d.serve(out, in)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cut && !out.flushed {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, io.ErrUnexpectedEOF)
	}
	return out.response(r, cut), nil
}

// serve reports whether the handler cut the connection.
func (d direct) serve(w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			cut = true
		default:
			panic(p)
		}
	}()
	d.ServeHTTP(w, r)
	return false
}

// memoryWriter is the http.ResponseWriter of Direct.
type memoryWriter struct {
	header  http.Header
	sent    http.Header // as it was when the status was written
	status  int
	body    bytes.Buffer
	flushed bool
}

// Header implements http.ResponseWriter.
func (w *memoryWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *memoryWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (w *memoryWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush implements http.Flusher.
func (w *memoryWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	w.flushed = true
}

func (w *memoryWriter) response(r *http.Request, cut bool) *http.Response {
	w.WriteHeader(http.StatusOK)
	length := int64(w.body.Len())
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	var body io.Reader = &w.body
	if cut {
		body = io.MultiReader(body, brokenReader{})
	}
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}
}

// brokenReader is the rest of a body whose connection was cut.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
