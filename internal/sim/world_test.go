package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/teleport"
	"teleport-jira/internal/webhook"
)

const (
	botUser       = "teleport-jira"
	webhookSecret = "It's a Secret to Everybody"
)

// world is both doubles and the replicas between them.
type world struct {
	t        *testing.T
	mode     access.ReviewMode
	token    atomic.Pointer[string]
	poll     time.Duration
	policy   plan.Policy // of replicas that are started from now on
	cluster  *faketeleport.Cluster
	auth     *faketeleport.Server
	jira     *fakejira.Server
	identity string
	replicas []*replica
	links    links
	logs     logs
	// rewritten are the properties that an adversary gave issues, by the issue's id.
	rewritten map[string]rewrite
}

// logs keeps what all replicas said, to be shown when a promise is broken.
type logs struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	muted bool // nothing is kept: a day's would not fit
}

func (l *logs) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.muted = true
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.muted {
		return len(p), nil
	}
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// replica is one running daemon, but for its configuration and listeners.
type replica struct {
	name    string
	body    *body
	reg     *prometheus.Registry
	stop    context.CancelFunc
	done    chan struct{}
	retired bool
	// tracker is its Jira adapter, once it is connected.
	tracker atomic.Pointer[jira.Client]
}

// newWorld makes a world in which nobody works yet.
func newWorld(t *testing.T, flavour fakejira.Flavour, change func(*fakejira.Options, *faketeleport.Config)) *world {
	w := &world{t: t, mode: access.ModeReview, poll: time.Minute, policy: settings(), rewritten: map[string]rewrite{}}
	token := fakejira.BotToken
	w.token.Store(&token)
	jiraOpts := fakejira.Board(flavour)
	teleportCfg := faketeleport.Config{}
	jiraOpts.WebhookTransport = fakejira.Direct(http.HandlerFunc(w.webhook))
	if change != nil {
		change(&jiraOpts, &teleportCfg)
	}
	var err error
	w.cluster, err = faketeleport.New(teleportCfg)
	require.NoError(t, err)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{
		faketeleport.RolePluginReviewer, faketeleport.RoleAccessPluginWithUpdate,
	}})
	for _, name := range []string{"rita", "rolf"} {
		w.cluster.PutUser(faketeleport.User{Name: name, Roles: []string{faketeleport.RoleReviewer}})
	}
	w.auth, err = faketeleport.ServeMemory(w.cluster)
	require.NoError(t, err)
	w.jira, err = fakejira.New(jiraOpts)
	require.NoError(t, err)
	w.identity = filepath.Join(t.TempDir(), "identity")
	require.NoError(t, w.cluster.WriteIdentityFile(w.identity, botUser, 10_000*time.Hour))
	return w
}

// webhook hands a webhook to a replica that is alive, as a load balancer does.
func (w *world) webhook(rw http.ResponseWriter, r *http.Request) {
	w.links.Lock()
	defer w.links.Unlock()
	for _, d := range w.links.open {
		if !d.body.isDead() {
			d.handler.ServeHTTP(rw, r)
			return
		}
	}
	rw.WriteHeader(http.StatusServiceUnavailable)
}

// links are the webhook listeners of the replicas.
type links struct {
	sync.Mutex
	open []unlimitedLink
}

type unlimitedLink struct {
	body    *body
	handler *webhook.Handler
}

func (d *links) add(b *body, h *webhook.Handler) {
	d.Lock()
	defer d.Unlock()
	d.open = append(d.open, unlimitedLink{b, h})
}

func (d *links) remove(b *body) {
	d.Lock()
	defer d.Unlock()
	d.open = slices.DeleteFunc(d.open, func(o unlimitedLink) bool { return o.body == b })
}

// close ends everything, so that the bubble is left empty.
func (w *world) close() {
	for _, r := range w.replicas {
		r.halt()
	}
	w.auth.Stop()
	w.cluster.Close()
	w.jira.Close()
}

// start runs one more replica; it waits for both sides like the daemon does.
func (w *world) start(name string, b *body) *replica {
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{name: name, body: b, stop: stop, done: make(chan struct{}), reg: prometheus.NewRegistry()}
	b.logs, b.name = &w.logs, name
	w.replicas = append(w.replicas, r)
	go func() {
		defer close(r.done)
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ended = true
		}()
		if err := w.run(ctx, r); err != nil {
			w.t.Errorf("replica %s: %v", name, err)
		}
	}()
	go func() {
		select {
		case <-b.died:
			stop()
		case <-ctx.Done():
		}
	}()
	return r
}

// halt stops the replica in good order and waits for it.
func (r *replica) halt() {
	r.stop()
	<-r.done
}

// retire stops the replica before the end; what it leaves queued is for others.
func (r *replica) retire() {
	r.halt()
	r.retired = true
}

func (w *world) run(ctx context.Context, r *replica) error {
	log := slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})).With("replica", r.name)
	clt, err := retry(ctx, func() (*teleport.Client, error) {
		return teleport.Connect(ctx, teleport.Config{Addr: "memory:1", Identity: w.identity, ReviewMode: w.mode},
			teleport.Deps{Logger: log, Metrics: teleport.NewMetrics(prometheus.NewRegistry()), Dialer: w.auth.Dialer()})
	})
	if err != nil {
		return nil // Stopped while it waited.
	}
	defer clt.Close()
	tracker, err := jira.New(jira.Config{
		URL: "https://jira.example.com", Username: w.user(), Token: func() string { return *w.token.Load() },
		Projects: []string{"TAR"}, Decisive: w.decisive(),
	}, jira.Deps{Logger: log, Transport: transport{r.body, w.jira.RoundTripper()}})
	if err != nil {
		return err
	}
	r.tracker.Store(tracker)
	if _, err := retry(ctx, func() (struct{}, error) { return struct{}{}, tracker.Connect(ctx) }); err != nil {
		return nil
	}
	rec := reconcile.New(reconcile.Options{Policy: w.policy, Workers: 8, PollInterval: w.poll}, reconcile.Deps{
		Cluster: cluster{r.body, clt}, Tracker: tracker, Self: tracker.Self(), Reviewer: botUser, Log: log, Registerer: r.reg,
	})
	w.links.add(r.body, webhook.New(webhook.Options{
		Enqueuer: rec, Auth: webhook.Auth{}.WithSecrets(webhookSecret), Log: log, Registerer: prometheus.NewRegistry(),
	}))
	defer w.links.remove(r.body)
	var watch sync.WaitGroup
	watch.Go(func() { _ = clt.Watch(ctx, rec) })
	err = rec.Run(ctx)
	watch.Wait()
	return err
}

// retry tries once a second until it works or ctx ends.
func retry[T any](ctx context.Context, try func() (T, error)) (T, error) {
	for {
		out, err := try()
		if err == nil || ctx.Err() != nil {
			return out, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (w *world) user() string {
	if w.jira.Flavour() == fakejira.DataCenter {
		return fakejira.BotID
	}
	return fakejira.BotEmail
}

// decisive are the statuses of requests that are settled.
func (w *world) decisive() []string {
	return slices.Concat([]string{"Approved", "Denied"}, w.policy.Statuses[access.Ended], w.policy.Statuses[access.Revoked])
}

func settings() plan.Policy {
	return plan.Policy{
		Statuses: plan.Statuses{
			access.Pending: {"Pending"}, access.Approved: {"Approved"}, access.Denied: {"Denied"},
			access.Expired: {"Expired"}, access.Promoted: {"Approved"},
		},
		Default: plan.Route{Project: "TAR", IssueType: "Task"},
		Review:  plan.ReviewRules{Mode: access.ModeReview},
	}
}

// webhooks has Jira tell of changes.
func (w *world) webhooks(change func(*fakejira.Webhook)) {
	h := fakejira.Webhook{URL: "https://daemon.example.com/webhook", Secret: webhookSecret, Concurrency: 1}
	if change != nil {
		change(&h)
	}
	w.jira.RegisterWebhook(h)
}

// request makes an Access Request and returns its id.
func (w *world) request(user, reason string, opts faketeleport.RequestOptions) string {
	req, err := w.cluster.CreateRequest(user, []string{"editor", "dba"}, reason, opts)
	require.NoError(w.t, err)
	return req.GetName()
}

// issues are the live issues that the daemon made and that name the request.
func (w *world) issues(id string) []fakejira.Issue {
	var found []fakejira.Issue
	for _, issue := range w.jira.Issues() {
		if string(issue.Properties["teleportAccessRequestId"]) == fmt.Sprintf("%q", id) && !issue.Deleted && issue.Creator == fakejira.BotID {
			found = append(found, issue)
		}
	}
	return found
}

// issue is the one issue of the request; zero while there is none.
func (w *world) issue(id string) fakejira.Issue {
	if found := w.issues(id); len(found) > 0 {
		return found[0]
	}
	return fakejira.Issue{}
}

// state is the request's state in the cluster, or access.Expired.
func (w *world) state(id string) access.State {
	req, err := w.cluster.Request(id)
	if err != nil {
		return access.Expired
	}
	switch req.GetState() {
	case types.RequestState_APPROVED:
		return access.Approved
	case types.RequestState_DENIED:
		return access.Denied
	case types.RequestState_PROMOTED:
		return access.Promoted
	}
	return access.Pending
}
