package sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

var errDead = errors.New("process is dead")

// body is the process that a replica lives in. When it dies, what it has sent
// stays and what it would send next never leaves: no call has an effect any
// more, and none is answered.
type body struct {
	mu       sync.Mutex
	calls    int
	dead     bool
	dieAt    int    // the call at which it dies; 0 means never
	after    bool   // it dies after that call's effect, not before
	last     string // it dies after the effect of a call of this name …
	lastOf   int    // … the last of so many
	logs     io.Writer
	name     string
	pause    time.Time // no call leaves before
	died     chan struct{}
	diedAt   string
	afterEnd int // calls after Run returned
	ended    bool
}

func newBody() *body { return &body{died: make(chan struct{})} }

func (b *body) killed(at string) {
	if !b.dead {
		b.dead, b.diedAt = true, at
		close(b.died)
	}
}

// call runs do unless the process is dead, and lets it die where it is to.
func (b *body) call(ctx context.Context, name string, do func() error) error {
	if err := b.paused(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	b.calls++
	if b.logs != nil {
		fmt.Fprintf(b.logs, "    call %d of %s at %s: %s\n", b.calls, b.name, time.Now().UTC().Format("15:04:05.000"), name)
	}
	if b.ended {
		b.afterEnd++
	}
	if b.last != "" && name == b.last {
		b.lastOf--
		b.after = b.after || b.lastOf == 0
	}
	now := b.dieAt > 0 && b.calls == b.dieAt || b.last == name && b.lastOf == 0
	if now && !b.after {
		b.killed("before " + name)
	}
	dead := b.dead
	b.mu.Unlock()
	if dead {
		return errDead
	}
	err := do()
	b.mu.Lock()
	defer b.mu.Unlock()
	if now {
		b.killed("after " + name)
	}
	if b.dead {
		return errDead
	}
	return err
}

// paused holds a call back while the process is stopped, as by SIGSTOP. A
// context that ended meanwhile ends the call, as net/http and gRPC have it.
func (b *body) paused(ctx context.Context) error {
	b.mu.Lock()
	wait := time.Until(b.pause)
	b.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	<-time.After(wait) // Deliberately deaf to ctx: a stopped process notices nothing.
	return ctx.Err()
}

func (b *body) stopFor(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause = time.Now().Add(d)
}

// transport lets a body's calls to Jira through.
type transport struct {
	body  *body
	inner http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var res *http.Response
	err := t.body.call(r.Context(), r.Method+" "+r.URL.Path, func() (err error) {
		res, err = t.inner.RoundTrip(r)
		return err
	})
	if err != nil && res != nil {
		res.Body.Close()
		res = nil
	}
	return res, err
}

// cluster lets a body's calls to Teleport through.
type cluster struct {
	body *body
	reconcile.Cluster
}

func through[T any](ctx context.Context, b *body, name string, do func() (T, error)) (T, error) {
	var out T
	err := b.call(ctx, name, func() (err error) {
		out, err = do()
		return err
	})
	if errors.Is(err, errDead) {
		var zero T
		return zero, &access.Error{Op: name, Class: access.Temporary, Err: err}
	}
	return out, err
}

func (c cluster) Request(ctx context.Context, id access.RequestID) (*access.Request, error) {
	return through(ctx, c.body, "Request "+string(id), func() (*access.Request, error) { return c.Cluster.Request(ctx, id) })
}

func (c cluster) Record(ctx context.Context, id access.RequestID) (access.Record, error) {
	return through(ctx, c.body, "Record "+string(id), func() (access.Record, error) { return c.Cluster.Record(ctx, id) })
}

func (c cluster) SwapRecord(ctx context.Context, id access.RequestID, old, next access.Record) error {
	_, err := through(ctx, c.body, "SwapRecord "+string(id)+" "+next.Claim+" "+string(next.Ambiguous), func() (struct{}, error) {
		return struct{}{}, c.Cluster.SwapRecord(ctx, id, old, next)
	})
	return err
}

func (c cluster) Decide(ctx context.Context, d access.Decision) (access.Outcome, error) {
	return through(ctx, c.body, "Decide "+string(d.RequestID), func() (access.Outcome, error) { return c.Cluster.Decide(ctx, d) })
}

func (c cluster) Lock(ctx context.Context, l access.Lock) error {
	_, err := through(ctx, c.body, "Lock "+string(l.RequestID), func() (struct{}, error) { return struct{}{}, c.Cluster.Lock(ctx, l) })
	return err
}

func (c cluster) Requests(ctx context.Context) iter.Seq2[*access.Request, error] {
	return func(yield func(*access.Request, error) bool) {
		if err := c.body.call(ctx, "Requests", func() error { return nil }); err != nil {
			yield(nil, err)
			return
		}
		for req, err := range c.Cluster.Requests(ctx) {
			if !yield(req, err) {
				return
			}
		}
	}
}
