package teleport

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/access"
)

const (
	// subscribeTimeout bounds the wait for the server's word that the
	// subscription stands.
	subscribeTimeout = 30 * time.Second
	// healthyAfter is how long a subscription must have stood for the next
	// pause to be the shortest again.
	healthyAfter = time.Minute
	// maxPause is the longest pause between two attempts, before jitter.
	maxPause = 30 * time.Second
)

// Doorbell is told where to look. Its methods must not block for long: the
// events wait behind them.
type EventHandler interface {
	// Subscribed says that from now on changes are told. What happened before
	// is not: whoever needs it lists now.
	OnSubscribed()
	// RequestChanged says that the request was made, changed or has gone.
	OnRequest(id access.RequestID)
}

// Reasons for the end of a subscription.
var (
	errRenewed    = errors.New("identity was renewed")
	errNoInit     = errors.New("the server did not confirm the subscription in time")
	errUnreliable = errors.New("the server lost events")
	errEnded      = errors.New("the server ended the stream")
)

// Watch subscribes to changes of Access Requests and rings the bell, until ctx
// ends, and returns nil then. It subscribes again, for ever, whenever the
// stream ends, cannot be had, or the identity was renewed, so that no stream
// lives on an expired certificate. It fails only on a closed Client. One Watch
// at a time.
func (c *Client) Watch(ctx context.Context, bell EventHandler) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.MaxInterval = maxPause
	for {
		stood, err := c.watchOnce(ctx, bell)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is the end that was asked for
		case errors.Is(err, errClosed):
			return err
		}
		if stood >= healthyAfter {
			pauses.Reset()
		}
		c.metrics.reconnects.Inc()
		if errors.Is(err, errRenewed) {
			c.log.Info("subscribing again with the renewed identity")
			continue
		}
		pause := pauses.NextBackOff().Round(time.Millisecond)
		if stood > 0 {
			c.log.Warn("subscription to access requests ended", "error", err,
				"stood", stood.Round(time.Millisecond), "next_attempt_in", pause)
		} else {
			c.log.Warn("no subscription to access requests yet, will retry", "error", err, "next_attempt_in", pause)
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// Watching tells whether the subscription stands at this moment.
func (c *Client) Watching() bool { return c.watching.Load() }

// watchOnce is one subscription from its attempt to its end, and tells how
// long it stood.
func (c *Client) watchOnce(ctx context.Context, bell EventHandler) (stood time.Duration, err error) {
	l, err := c.hold()
	if err != nil {
		return 0, err
	}
	defer l.release()
	if !l.freshlyInspected(healthyAfter) {
		if err := c.inspect(ctx, l); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(subscribeTimeout, func() { cancel(errNoInit) })
	defer late.Stop()

	stream, err := l.api.NewWatcher(ctx, types.Watch{Kinds: []types.WatchKind{{Kind: types.KindAccessRequest}}})
	if err != nil {
		err = streamError(ctx, methodWatch().wrap("", err))
		c.metrics.called(methodWatch(), err)
		return 0, err
	}
	defer func() { _ = stream.Close() }()
	first, err := nextEvent(ctx, l, stream)
	if err == nil && first.Type != types.OpInit {
		err = errUnreliable
	}
	c.metrics.called(methodWatch(), err)
	if err != nil {
		return 0, err
	}
	late.Stop()
	return c.ring(ctx, l, stream, bell)
}

// ring passes the events on until the stream ends.
func (c *Client) ring(ctx context.Context, l *link, stream types.Watcher, bell EventHandler) (time.Duration, error) {
	since := time.Now()
	c.setWatching(true)
	defer c.setWatching(false)
	c.log.Info("subscribed to access requests", "cluster", c.ClusterName())
	bell.OnSubscribed()
	for {
		event, err := nextEvent(ctx, l, stream)
		if err != nil {
			return time.Since(since), err
		}
		switch event.Type {
		case types.OpPut, types.OpDelete:
			c.tell(event, bell)
		case types.OpUnreliable:
			return time.Since(since), errUnreliable
		case types.OpInit, types.OpGet, types.OpInvalid:
		}
	}
}

// tell rings for one event. A deletion carries the kind and the name only.
func (c *Client) tell(event types.Event, bell EventHandler) {
	if event.Resource == nil || event.Resource.GetKind() != types.KindAccessRequest {
		return
	}
	id, err := access.ParseRequestID(event.Resource.GetName())
	if err != nil {
		c.log.Debug("event left out", "error", err)
		return
	}
	bell.OnRequest(id)
}

func (c *Client) setWatching(yes bool) {
	c.watching.Store(yes)
	c.metrics.connected(yes)
}

// nextEvent waits for an event or the end of the stream.
func nextEvent(ctx context.Context, l *link, stream types.Watcher) (types.Event, error) {
	select {
	case event := <-stream.Events():
		return event, nil
	case <-l.retired:
		return types.Event{}, errRenewed
	case <-stream.Done():
		if err := stream.Error(); err != nil {
			return types.Event{}, streamError(ctx, methodWatch().wrap("", err))
		}
		return types.Event{}, errEnded
	}
}

// streamError is the reason for which ctx was cancelled, if it was: the stream
// itself knows only that it was.
func streamError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// sleep waits for d; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
