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

// reloader builds the next generation beside the one at work, and takes up
// secrets that changed. It belongs to one generation.
type reloader struct {
	app     *app
	current *generation
	door    *door
	built   chan *generation // the next generation, once it stands
	secrets *time.Ticker
	sum     [sha256.Size]byte // of the secret files
	cancel  context.CancelFunc
	done    chan struct{} // closed when no build is under way
}

func newReloader(a *app, g *generation, d *door) *reloader {
	done := make(chan struct{})
	close(done)
	return &reloader{
		app: a, current: g, door: d, built: make(chan *generation), secrets: time.NewTicker(secretsInterval),
		sum: sumOf(g.cfg.SecretFiles()), cancel: func() {}, done: done,
	}
}

// stop ends a build that is under way.
func (r *reloader) stop() {
	r.secrets.Stop()
	r.cancel()
	<-r.done
}

// reload reopens the log, reads the configuration and begins to build the next
// generation. What can fail fails before anything is changed; a bad
// configuration is reported and the old one stays.
func (r *reloader) reload(ctx context.Context) {
	a := r.app
	a.notify.reloading()
	defer a.notify.ready()
	cfg, err := a.opts.load()
	if err == nil {
		err = a.output.Reload(a.opts.logOptions(cfg))
	}
	var tls *server.TLS
	if err == nil && r.door.public != nil && !a.opts.InsecureNoTLS {
		tls, err = server.LoadTLS(tlsFiles(cfg))
	}
	if err != nil {
		r.failed(err)
		return
	}
	a.warn(cfg)
	r.cancel()
	<-r.done
	ctx, r.cancel = context.WithCancel(ctx)
	r.done = make(chan struct{})
	go r.build(ctx, cfg, tls)
}

// build waits for both sides as a start does, while the current generation
// works on.
func (r *reloader) build(ctx context.Context, cfg *config.Config, tls *server.TLS) {
	defer close(r.done)
	next, err := r.app.build(ctx, cfg, nil)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.failed(err)
		return
	}
	select {
	case r.built <- next:
		r.app.take(cfg, r.current.cfg, r.door, tls)
	case <-ctx.Done():
		_ = next.closed()
	}
}

// take makes the listeners follow the new configuration.
func (a *app) take(cfg, old *config.Config, d *door, tls *server.TLS) {
	if tls != nil {
		d.public.UseTLS(tls)
	}
	if d.handler != nil {
		d.handler.SetAuth(auth(cfg))
	}
	if cfg.HTTP.Enabled != old.HTTP.Enabled || cfg.HTTP.ListenAddr != old.HTTP.ListenAddr ||
		cfg.Telemetry.ListenAddr != old.Telemetry.ListenAddr {
		a.log.Warn("a changed listener takes effect with the next restart",
			"http", old.HTTP.ListenAddr, "telemetry", old.Telemetry.ListenAddr)
	}
	a.reloads.Set(1)
	a.log.Info("configuration reloaded", "config", a.opts.ConfigPath)
}

func (r *reloader) failed(err error) {
	r.app.reloads.Set(0)
	r.app.log.Error("configuration not reloaded, the old one stays in use", "error", err)
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
		r.app.log.Error("changed secrets not taken up, the old ones stay in use", "error", err)
		r.sum = sum
		return
	}
	r.sum = sum
	r.current.token.Store(&cfg.Jira.APIToken)
	if r.door.handler != nil {
		r.door.handler.SetAuth(auth(cfg))
	}
	r.app.log.Info("changed secrets taken up")
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
