package teleport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
)

const (
	// initTimeout bounds the wait for the server to confirm a subscription.
	initTimeout = 30 * time.Second
	// stableAfter is how long a subscription must have lasted for the backoff
	// to start from its minimum again.
	stableAfter = time.Minute
	// maxBackoff bounds the delay between two attempts, before jitter of a half:
	// a cluster that is back is noticed within 5 s.
	maxBackoff = 2 * time.Second
	// pingInterval is how often the server is asked for a sign of life while
	// a subscription is active, and pingTimeout how long that may take. A Proxy
	// whose Auth Service is dead says so only when the client writes, and gRPC's
	// own keepalives are a minute apart at the least; a server that hangs says
	// nothing at all. Both together bound how long the daemon may be deaf.
	pingInterval = 5 * time.Second
	pingTimeout  = 5 * time.Second
	// settleDelay is how long after a subscription began requests are listed once
	// more: the first list may come from a cache that lagged the subscription.
	settleDelay = 5 * time.Second
	// quietInterval is how often the same reason for having no subscription is
	// logged at WARN.
	quietInterval = time.Minute
)

// EventHandler receives events. Its methods must return quickly: later events
// wait for them.
type EventHandler interface {
	// OnSubscribed is called when a subscription starts: later changes are
	// reported, earlier ones are not, so that the caller lists requests now. After
	// the cluster was known not to work, back is true: what waits for it may be
	// tried at once.
	OnSubscribed(back bool)
	// OnSettled is called once, a few seconds later: the list that followed
	// OnSubscribed may have come from a cache that was older than the subscription,
	// one from now on does not.
	OnSettled()
	// OnRequest is called when the request was created, changed or deleted.
	OnRequest(e access.RequestEvent)
	// OnMonitoringRules is called with all access monitoring rules about Access
	// Requests, by name, before OnSubscribed and whenever they have changed: with
	// none where the daemon may not read them or the cluster is too old. It is never
	// called where Config.MonitoringRules is not set, and not before the rules could
	// be read once.
	OnMonitoringRules(rules []access.MonitoringRule)
}

// Reasons for the end of a subscription.
var (
	errReplaced   = errors.New("identity was renewed")
	errNoInit     = errors.New("the server did not confirm the subscription in time")
	errUnreliable = errors.New("the server lost events")
	errEnded      = errors.New("the server ended the stream")
	errNoAnswer   = errors.New("the server does not answer")
	errListRules  = errors.New("access monitoring rules are to be listed")
)

// Watch subscribes to changes of Access Requests and passes them to handler
// until ctx ends, and returns nil then. When the subscription ends or can't be
// made it retries with backoff, without limit. When the identity was renewed it
// subscribes again at once, so that no stream outlives its certificate. It
// returns an error only on a closed Client. One Watch at a time.
//
// It also watches over whether the cluster works, and keeps calls back while it
// does not: from when a sign of life is missing until the next subscription.
func (c *Client) Watch(ctx context.Context, handler EventHandler) error {
	delays := backoff.NewExponentialBackOff()
	delays.MaxInterval = maxBackoff
	said := logging.NewOnce(quietInterval)
	const noSubscription = "no subscription"
	var lasted time.Duration // of the last subscription
	attempt := func() (struct{}, error) {
		for {
			var err error
			if lasted, err = c.subscribe(ctx, handler); lasted >= stableAfter {
				delays.Reset()
			}
			c.noteEnd(ctx, err)
			switch {
			case errors.Is(err, errClosed):
				return struct{}{}, backoff.Permanent(err)
			case !errors.Is(err, errReplaced) || ctx.Err() != nil:
				return struct{}{}, err
			}
			c.metrics.reconnects.Inc()
			c.log.Info("identity renewed, subscribing again")
		}
	}
	notify := func(err error, delay time.Duration) {
		c.metrics.reconnects.Inc()
		delay = delay.Round(time.Millisecond)
		if lasted > 0 {
			said.Forget(noSubscription)
			c.log.Warn("subscription to access requests ended", "error", err,
				"lasted", lasted.Round(time.Millisecond), "next_attempt_in", delay)
			return
		}
		level := slog.LevelDebug // attempts are seconds apart
		if said.Changed(noSubscription, err.Error()) {
			level = slog.LevelWarn
		}
		c.log.Log(ctx, level, "no subscription to access requests yet, will retry", "error", err, "next_attempt_in", delay)
	}
	defer c.circuit.close()
	_, err := backoff.Retry(ctx, attempt, backoff.WithBackOff(delays), backoff.WithNotify(notify),
		backoff.WithMaxElapsedTime(0))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Watching reports whether a subscription is active.
func (c *Client) Watching() bool { return c.watching.Load() }

// subscribe makes one subscription and serves it to its end. It returns how
// long it lasted, 0 when it was not confirmed.
func (c *Client) subscribe(ctx context.Context, handler EventHandler) (lasted time.Duration, err error) {
	conn, err := c.acquire()
	if err != nil {
		return 0, err
	}
	defer conn.release()
	if c.circuit.reason() != nil {
		if err := c.signOfLife(ctx, conn); err != nil {
			return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
		}
	}
	if !conn.inspectedWithin(stableAfter) {
		if err := c.inspect(ctx, conn); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := time.AfterFunc(initTimeout, func() { cancel(errNoInit) })
	defer timeout.Stop()

	asked := c.watchKinds()
	stream, granted, err := c.newStream(ctx, conn, asked)
	if asked.AllowPartialSuccess && err != nil && access.ClassOf(err) == access.Permanent {
		// A server that does not know partial success may refuse for the rules' sake.
		asked.Kinds, asked.AllowPartialSuccess = asked.Kinds[:1], false
		stream, granted, err = c.newStream(ctx, conn, asked)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = stream.Close() }()
	timeout.Stop()
	go c.ping(ctx, conn, cancel)
	return c.serveEvents(ctx, conn, stream, handler, slices.Contains(granted, types.KindAccessMonitoringRule))
}

// newStream opens a stream of events and waits for its first, which says which
// kinds are granted.
func (c *Client) newStream(ctx context.Context, conn *connection, asked types.Watch) (stream types.Watcher, granted []string, err error) {
	defer func() { c.metrics.called(methodWatch(), err) }()
	if stream, err = conn.api.NewWatcher(ctx, asked); err != nil {
		return nil, nil, streamError(ctx, methodWatch().wrap("", err))
	}
	first, err := nextEvent(ctx, conn, stream, nil)
	if err == nil && first.Type != types.OpInit {
		err = errUnreliable
	}
	if granted = grantedKinds(asked, first); err == nil && !slices.Contains(granted, types.KindAccessRequest) {
		err = methodWatch().wrap("", trace.AccessDenied("access denied to watch %q", types.KindAccessRequest))
	}
	if err != nil {
		_ = stream.Close()
		return nil, nil, err
	}
	return stream, granted, nil
}

// ping asks the server for a sign of life until ctx ends, and cancels with
// errNoAnswer when there is none: then the subscription is deaf, whatever the
// connection says. An answer that refuses is an answer.
func (c *Client) ping(ctx context.Context, conn *connection, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.circuit.doubts:
		}
		if err := c.signOfLife(ctx, conn); err != nil && ctx.Err() == nil {
			cancel(fmt.Errorf("%w: %w", errNoAnswer, err))
			return
		}
		ticker.Reset(pingInterval)
	}
}

// signOfLife asks the server for one, past what keeps other calls back. It
// returns why there is none, and opens the circuit then: an answer that refuses
// what was asked is a sign of life, one that refuses the certificate is not.
func (c *Client) signOfLife(ctx context.Context, conn *connection) error {
	within, stop := context.WithTimeout(ctx, pingTimeout)
	defer stop()
	_, err := callOver(within, c.metrics, conn.api, methodPing(), c.cfg.Addr,
		func(ctx context.Context, a api) (proto.PingResponse, error) { return a.Ping(ctx) })
	if ctx.Err() != nil || !concernsCluster(err) {
		return nil
	}
	if why := (*access.Error)(nil); errors.As(err, &why) {
		c.circuit.open(why)
	}
	return err
}

// noteEnd finds out, where no subscription stands, whether the cluster works:
// it may do all but subscribe.
func (c *Client) noteEnd(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errReplaced) || errors.Is(err, errNoAnswer) {
		return
	}
	conn, err := c.acquire()
	if err != nil {
		return
	}
	defer conn.release()
	if c.signOfLife(ctx, conn) == nil && ctx.Err() == nil {
		c.circuit.close()
	}
}

// serveEvents dispatches the events until the stream ends, and returns how long
// it lasted.
func (c *Client) serveEvents(
	ctx context.Context, conn *connection, stream types.Watcher, handler EventHandler, rulesWatched bool,
) (lasted time.Duration, err error) {
	start := time.Now()
	c.setWatching(true)
	defer c.setWatching(false)
	c.log.Info("subscribed to access requests", "cluster", c.ClusterName())
	back := c.circuit.recovered()
	rules := c.newRuleWatch(ctx, handler, rulesWatched)
	defer rules.stop()
	handler.OnSubscribed(back)
	settled := time.AfterFunc(settleDelay, handler.OnSettled)
	defer settled.Stop()
	for {
		event, err := nextEvent(ctx, conn, stream, rules.next())
		if errors.Is(err, errListRules) {
			rules.list(ctx)
			continue
		}
		if err != nil {
			return time.Since(start), err
		}
		switch event.Type {
		case types.OpPut, types.OpDelete:
			if !rules.take(event) {
				c.dispatch(event, handler)
			}
		case types.OpUnreliable:
			return time.Since(start), errUnreliable
		case types.OpInit, types.OpGet, types.OpInvalid:
		}
	}
}

// dispatch passes one event to the handler. A deletion has kind and name only.
func (c *Client) dispatch(event types.Event, handler EventHandler) {
	if event.Resource == nil || event.Resource.GetKind() != types.KindAccessRequest {
		return
	}
	id, err := access.ParseRequestID(event.Resource.GetName())
	if err != nil {
		c.log.Debug("event ignored, invalid request id", "error", err)
		return
	}
	e := access.RequestEvent{ID: id}
	if req, ok := event.Resource.(types.AccessRequest); ok && event.Type == types.OpPut {
		e.User, e.Decided = req.GetUser(), len(req.GetReviews()) > 0 || !req.GetState().IsPending()
		e.New = newRequest(req, e.Decided)
	}
	handler.OnRequest(e)
}

// newRequest is the request of an event where nothing has come of it yet; nil
// otherwise, and where it has to be read to be understood.
func newRequest(raw types.AccessRequest, decided bool) *access.Request {
	if decided || raw.GetDryRun() {
		return nil
	}
	req, err := convertRequest(raw)
	if err != nil || req.State != access.Pending {
		return nil
	}
	return req
}

func (c *Client) setWatching(active bool) {
	c.watching.Store(active)
	c.metrics.connected(active)
}

// nextEvent waits for an event, for the time to list rules, which is
// errListRules, or for the end of the stream.
func nextEvent(ctx context.Context, conn *connection, stream types.Watcher, listRules <-chan time.Time) (types.Event, error) {
	select {
	case <-listRules:
		return types.Event{}, errListRules
	case event := <-stream.Events():
		return event, nil
	case <-conn.replaced:
		return types.Event{}, errReplaced
	case <-ctx.Done(): // the stream of a server that hangs may not end with it
		return types.Event{}, context.Cause(ctx)
	case <-stream.Done():
		if err := stream.Error(); err != nil {
			return types.Event{}, streamError(ctx, methodWatch().wrap("", err))
		}
		return types.Event{}, errEnded
	}
}

// streamError returns the cause of ctx's end, if it has ended, and err
// otherwise: the stream reports only that it was cancelled.
func streamError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
