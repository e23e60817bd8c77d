package app

import (
	"context"
	"crypto/sha256"
	"os"
	"time"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
)

// secretsInterval is how often secret files are looked at for change.
const secretsInterval = 5 * time.Second

// attempt is a generation being built.
type attempt struct {
	cancel context.CancelFunc
	change *change // what the generation asks of the listeners; nil for nothing
	result chan built
}

// built is what came of an attempt: a generation or an error.
type built struct {
	generation *generation
	err        error
}

// begin builds a generation in the background.
func (a *app) begin(ctx context.Context, cfg *config.Config, change *change, health *server.Health) *attempt {
	ctx, cancel := context.WithCancel(ctx)
	t := &attempt{cancel: cancel, change: change, result: make(chan built, 1)}
	go func() {
		g, err := a.build(ctx, cfg, health)
		t.result <- built{g, err}
	}()
	return t
}

// abandon ends the attempt and gives back what it made.
func (t *attempt) abandon() {
	t.cancel()
	if r := <-t.result; r.generation != nil {
		r.generation.close()
	}
	if t.change != nil {
		t.change.drop()
	}
}

// reloader builds the next generation beside the one at work, and takes up
// secrets that changed. It belongs to one generation and one goroutine.
type reloader struct {
	app       *app
	current   *generation
	listeners *listeners
	try       *attempt // nil when none is under way
	secrets   *time.Ticker
	sum       [sha256.Size]byte // of the secret files
}

func newReloader(a *app, g *generation, d *listeners) *reloader {
	return &reloader{
		app: a, current: g, listeners: d,
		secrets: time.NewTicker(secretsInterval), sum: sumOf(g.cfg.SecretFiles()),
	}
}

// stop ends an attempt that is under way.
func (r *reloader) stop() {
	r.secrets.Stop()
	if r.try != nil {
		r.try.abandon()
	}
}

// reload reopens the log, reads the configuration and begins to build the next
// generation, which waits for both sides as a start does, while the current
// one works on. What can fail fails before anything is changed; a bad
// configuration is reported and the old one stays.
func (r *reloader) reload(ctx context.Context) {
	r.app.notify.reloading()
	defer r.app.notify.ready()
	if r.try != nil {
		r.try.abandon()
		r.try = nil
	}
	cfg, change, err := r.app.prepare(ctx, r.listeners)
	if err != nil {
		r.app.reloadFailed(err)
		return
	}
	r.try = r.app.begin(ctx, cfg, change, nil)
}

// result delivers what came of the attempt under way.
func (r *reloader) result() <-chan built {
	if r.try == nil {
		return nil
	}
	return r.try.result
}

// built is the next generation, or nil when the attempt failed.
func (r *reloader) built(b built) *generation {
	change := r.try.change
	r.try.cancel()
	r.try = nil
	if b.err != nil {
		change.drop()
		r.app.reloadFailed(b.err)
		return nil
	}
	b.generation.change = change
	return b.generation
}

// prepare reads the configuration and makes ready what it asks of log and
// listeners.
func (a *app) prepare(ctx context.Context, d *listeners) (*config.Config, *change, error) {
	cfg, err := a.opts.load()
	if err != nil {
		return nil, nil, err
	}
	change, err := d.prepare(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := a.output.Reload(a.opts.logOptions(cfg)); err != nil {
		change.drop()
		return nil, nil, err
	}
	a.warn(cfg)
	return cfg, change, nil
}

func (a *app) reloaded() {
	a.reloads.Set(1)
	a.log.Info("configuration reloaded", "config", a.opts.ConfigPath)
}

func (a *app) reloadFailed(err error) {
	a.reloads.Set(0)
	a.log.Error("configuration not reloaded, the old one stays in use", "error", err,
		"fix", "correct it and send SIGHUP again")
}

// refreshSecrets takes up secrets whose files changed, without waiting for
// either side: the old token may be the reason why one does not answer.
func (r *reloader) refreshSecrets() {
	sum := sumOf(r.current.cfg.SecretFiles())
	if sum == r.sum {
		return
	}
	cfg, err := r.app.opts.load()
	if err != nil {
		r.app.log.Error("changed secrets not taken up, the old ones stay in use", "error", err,
			"fix", "correct the file, or the configuration")
		r.sum = sum
		return
	}
	r.sum = sum
	r.current.token.Store(&cfg.Jira.APIToken)
	r.listeners.handler.SetAuth(auth(cfg))
	r.app.log.Info("changed secrets taken up")
	// It shows whether the new token is right, and what the old one kept from
	// being done need not wait for its next attempt.
	r.current.worker.Resync()
}

// sumOf is a digest of the files' contents. A file that can't be read counts
// as empty: it is reported when it is loaded.
func sumOf(files []string) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, f := range files {
		data, _ := os.ReadFile(f)
		part := sha256.Sum256(data)
		h.Write(part[:])
	}
	h.Sum(sum[:0])
	return sum
}
