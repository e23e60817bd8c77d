package app

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"teleport-jira/internal/config"
	"teleport-jira/internal/filewatch"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
)

// reloader builds the next generation while the active one works on, and then
// swaps them. It belongs to the main loop's goroutine.
type reloader struct {
	app    *app
	next   *generation        // being connected; nil for none
	cancel context.CancelFunc // ends that
	built  chan error         // what came of it; nil for none
}

// build connects a generation in the background. It ends with a value on built.
func (r *reloader) build(ctx context.Context, g *generation) {
	ctx, cancel := context.WithCancel(ctx)
	built := make(chan error, 1)
	r.next, r.cancel, r.built = g, cancel, built
	go func() { built <- g.connect(ctx) }()
}

// abandon ends a build in progress and releases what it holds.
func (r *reloader) abandon() {
	if r.next == nil {
		return
	}
	r.cancel()
	<-r.built //nolint:errcheck // its error is that it was canceled
	r.next.discard()
	r.next, r.built = nil, nil
}

// ended returns a channel that is closed when the active generation's work ends.
func (r *reloader) ended() <-chan struct{} {
	if g := r.app.active.Load(); g != nil {
		return g.done
	}
	return nil
}

// reload reopens the log, reads the configuration and begins to build the next
// generation, which waits for both sides as a start does. Whatever fails, the
// active generation and its configuration stay in use.
func (r *reloader) reload(ctx context.Context) {
	a := r.app
	if err := a.output.Reopen(); err != nil {
		a.log.Error("log not reopened, the old file stays in use", "error", err,
			"fix", "let the user that the daemon runs as write there, and send SIGHUP again")
	}
	starting := a.active.Load() == nil
	if !starting {
		a.systemd.reloading()
		r.abandon() // What it prepared may be what this one needs, such as an address.
	}
	next, err := r.prepare(ctx)
	if err != nil {
		a.reloadFailed(err)
		return
	}
	if !starting {
		a.systemd.ready("at work, the new configuration is taken up once Teleport and Jira answer it")
	}
	a.warn(next.cfg)
	if starting {
		// Nothing works yet that has to go on: a daemon that waits for a side in
		// vain can be corrected, its listeners and its log at once.
		r.abandon()
		r.apply(ctx, next)
	}
	r.build(ctx, next)
}

// prepare reads the configuration and opens what it needs of log and listeners.
// It changes nothing that is in use but the rules for deciding.
func (r *reloader) prepare(ctx context.Context) (*generation, error) {
	cfg, rules, err := config.LoadRules(r.app.opts.ConfigPath, r.app.opts.configOptions())
	r.app.takeRules(rules)
	if err != nil {
		return nil, err
	}
	output, err := logging.Open(r.app.opts.logOptions(cfg))
	if err != nil {
		return nil, err
	}
	change, err := r.app.listeners.prepare(ctx, cfg)
	if err != nil {
		_ = output.Close()
		return nil, err
	}
	g := r.app.newGeneration(cfg)
	g.output, g.change = output, change
	return g, nil
}

// apply takes up what prepare opened for the generation. It cannot fail.
func (r *reloader) apply(ctx context.Context, g *generation) {
	a := r.app
	a.output.Replace(g.output)
	a.listeners.apply(ctx, g.change)
	g.listen()
	g.output, g.change = nil, nil
	a.reloads.Set(1)
	a.log.Info("configuration reloaded", "config", a.opts.ConfigPath)
}

// finish takes up the generation that was built, or not, if err says so. An
// error that it returns ends the daemon: there is no generation to go on with.
func (r *reloader) finish(ctx context.Context, err error) error {
	a, next := r.app, r.next
	r.cancel()
	r.next, r.built = nil, nil
	if err != nil {
		next.discard()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was cut short by the shutdown
		case a.active.Load() == nil:
			return err
		}
		a.reloadFailed(err)
		return nil
	}
	if old := a.active.Load(); old != nil {
		if old.stop() != nil {
			next.discard()
			return errEnded // The error comes with its stop.
		}
		r.apply(ctx, next)
	}
	if wanted := a.rules.wanted.Load(); wanted != next.cfg {
		next.useRules(wanted) // A reload that failed otherwise brought newer ones.
	}
	next.start(ctx)
	a.active.Store(next)
	a.systemd.ready(statusAtWork)
	// What only the start needed, a fifth of the idle daemon's own memory, goes
	// back to the system.
	debug.FreeOSMemory()
	return nil
}

// stop ends a build in progress and drains the active generation.
func (r *reloader) stop() error {
	r.abandon()
	if g := r.app.active.Load(); g != nil {
		return g.stop()
	}
	return nil
}

func (a *app) reloadFailed(err error) {
	a.reloads.Set(0)
	a.log.Error("configuration not reloaded, the old one stays in use", "error", err,
		"fix", "correct it and send SIGHUP again")
	a.systemd.ready("configuration not reloaded: " + err.Error())
}

// Reasons for not being ready.
var (
	errHeld     = errors.New("decisions wait until the new configuration is up")
	errOldRules = errors.New("the configuration file is at fault, the rules of the one before are in use; correct it and reload")
)

// rulebook knows by which rules the operator wants requests to be decided: those
// of the newest configuration whose rules could be read, whether the rest of
// that is up, is being brought up, or cannot be. Its methods may be called
// concurrently.
type rulebook struct {
	wanted atomic.Pointer[config.Config]
	stale  atomic.Bool // there are newer ones that cannot be read
}

// rulesInUse returns why requests are not decided by the rules that the operator
// wrote last; nil when they are.
func (a *app) rulesInUse() error {
	if a.rules.stale.Load() {
		return errOldRules
	}
	if g := a.active.Load(); g != nil && g.worker.Held() {
		return errHeld
	}
	return nil
}

// takeRules makes the rules of a configuration that was just read the ones that
// count, whatever comes of the rest of it. cfg is nil where they could not be
// read.
func (a *app) takeRules(cfg *config.Config) {
	a.rules.stale.Store(cfg == nil)
	if cfg == nil {
		a.log.Error("rules for deciding could not be read, those of the last good configuration stay in use",
			"fix", "correct the file and send SIGHUP again; to keep somebody from deciding meanwhile, take the right to move issues from them in jira")
		return
	}
	a.rules.wanted.Store(cfg)
	if g := a.active.Load(); g != nil {
		g.useRules(cfg)
	}
}

// useRules has the generation decide by a configuration's rules. Who may decide
// takes effect in the running work. Statuses, routes and the mode are part of
// what the generation was built with: where they differ nothing is decided until
// a generation with them is up. Where issues go by default, jira.project, is no
// rule about people, and changes with that generation.
func (g *generation) useRules(cfg *config.Config) {
	mode, _ := g.cluster.ReviewMode()
	was, wanted := policy(g.cfg, mode), policy(cfg, mode)
	hold := !sameBeside(was, wanted) || cfg.Review.Mode != g.cfg.Review.Mode ||
		teleportConfig(cfg).NeedUsers && !teleportConfig(g.cfg).NeedUsers
	g.worker.SetReview(wanted.Review, hold)
	log := g.app.log.With("digest", wanted.Digest())
	switch {
	case hold:
		log.Warn("decisions wait until the new configuration is up", "reason", "statuses, routes or the review mode changed")
	case was.Digest() != wanted.Digest():
		log.Info("rules for deciding changed, in use at once")
	}
}

// sameBeside reports whether two policies agree in all but who may decide, and
// where issues go by default.
func sameBeside(a, b plan.Policy) bool {
	a.Review, b.Review = plan.ReviewRules{}, plan.ReviewRules{}
	a.Default, b.Default = plan.Route{}, plan.Route{}
	return a.Digest() == b.Digest()
}

// secretsInterval is how often secret files are checked for changes.
const secretsInterval = 5 * time.Second

// watchSecrets takes up secrets whose files change, also while a side is waited
// for, until ctx ends or stop is called, which waits for the end.
func (g *generation) watchSecrets(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	secrets := g.secrets.Load()
	go func() {
		defer close(done)
		filewatch.Watch(ctx, secretsInterval, secrets.SecretsSum, secrets.SecretFiles(), g.reloadSecrets)
	}()
	return func() {
		cancel()
		<-done
	}
}

// reloadSecrets takes up secrets whose files changed, and nothing else of a
// configuration that may have been edited since. It waits for neither side: the
// old token may be the reason why one does not answer.
func (g *generation) reloadSecrets() {
	log := g.app.log
	secrets, err := g.secrets.Load().Reread()
	if err != nil {
		log.Error("secrets not reloaded, the old ones stay in use", "error", err, "fix", "correct the file")
		return
	}
	g.secretsMu.Lock()
	g.secrets.Store(secrets)
	if g.listening {
		g.app.listeners.handler.SetAuth(auth(secrets))
	}
	g.secretsMu.Unlock()
	log.Info("secrets reloaded")
	select {
	case g.renewed <- struct{}{}:
	default:
	}
	if g.app.active.Load() == g {
		// It shows whether the new token is right, and what the old one prevented
		// need not wait for its next attempt.
		g.worker.Resync()
	}
}

// listen has the listeners authenticate by this generation's secrets, as they
// are now and become.
func (g *generation) listen() {
	g.secretsMu.Lock()
	defer g.secretsMu.Unlock()
	g.listening = true
	g.app.listeners.handler.SetAuth(auth(g.secrets.Load()))
}
