package faketeleport

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FaultPoint is when a fault strikes.
type FaultPoint int

// A fault strikes before the call has its effect, or after it, when only the
// answer is still to come. For WatchEvents, after means that the watcher is
// registered and OpInit still to be sent.
const (
	BeforeEffect FaultPoint = iota
	AfterEffect
)

// Fault is something that goes wrong in gRPC calls. Delay, Hang and Err are
// applied in this order; a fault with none of them changes nothing.
type Fault struct {
	Method string // such as "SubmitAccessReview"; "" strikes every method
	User   string // only calls of this user; "" strikes everybody's
	At     FaultPoint
	Times  int           // how many calls are struck; 0 means until it is cleared
	Delay  time.Duration // the call waits this long
	Hang   bool          // the call waits until its caller gives up or the server stops
	Err    error         // the answer: a trace error or a gRPC status
}

// Unavailable is a fault that refuses the method before any effect, as a
// server that is restarting or a proxy without one does.
func Unavailable(method string, times int) Fault {
	return Fault{Method: method, Times: times, Err: errUnavailable("the server is not available")}
}

// LoseAnswer is a fault that lets the method have its effect and loses the
// answer: the caller can't tell it from Unavailable.
func LoseAnswer(method string, times int) Fault {
	return Fault{Method: method, Times: times, At: AfterEffect, Err: errUnavailable("error reading from server: EOF")}
}

func errUnavailable(text string) error { return status.Error(codes.Unavailable, text) }

type armedFault struct {
	Fault
	struck int
}

// Inject arms a fault. Where several fit a call, the one injected first
// strikes. The returned function disarms it and tells how often it struck.
func (c *Cluster) Inject(f Fault) (disarm func() int) {
	armed := &armedFault{Fault: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, armed)
	return func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.faults = slices.DeleteFunc(c.faults, func(g *armedFault) bool { return g == armed })
		return armed.struck
	}
}

// ClearFaults disarms all faults. Calls that a fault holds up stay held up.
func (c *Cluster) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// strike applies the first fault that fits; nil when none does, or when it only
// delays.
func (c *Cluster) strike(ctx context.Context, method, user string, at FaultPoint) error {
	f, ok := c.takeFault(method, user, at)
	if !ok {
		return nil
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.Err
}

func (c *Cluster) takeFault(method, user string, at FaultPoint) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.faults {
		if f.At != at || (f.Method != "" && f.Method != method) || (f.User != "" && f.User != user) {
			continue
		}
		f.struck++
		if f.Times > 0 && f.struck == f.Times {
			c.faults = slices.Delete(c.faults, i, i+1)
		}
		return f.Fault, true
	}
	return Fault{}, false
}
