package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
	"teleport-jira/internal/webhook"
)

// door is the listeners: the webhook's and the administrator's, where they are
// configured. It belongs to one goroutine but for auth.
type listeners struct {
	log      *slog.Logger
	registry *prometheus.Registry
	noTLS    bool
	handler  *webhook.Handler // the same behind every public listener
	health   *server.Health
	alive    func() error
	metrics  *server.Metrics // made with the first certificate; nil before
	open     map[string]*listener
	failed   chan error // the first listener that ended by itself
}

// The listeners' names, and the keys that configure them.
const (
	publicListener = "http.listen_addr"
	adminListener  = "telemetry.listen_addr"
)

// listener is a server at work.
type listener struct {
	addr   string // as configured
	server *server.Server
	stop   context.CancelFunc
	done   chan struct{}
}

func (a *app) newListeners(cfg *config.Config) *listeners {
	return &listeners{
		log: a.log, registry: a.registry, noTLS: a.opts.InsecureNoTLS, health: a.health, alive: a.alive,
		handler: webhook.New(webhook.Options{Enqueuer: a.active, Auth: auth(cfg), Log: a.log, Registerer: a.registry}),
		open:    map[string]*listener{},
		failed:  make(chan error, 1),
	}
}

// change is what a configuration asks of the door, made ready so that taking
// it up cannot fail.
type change struct {
	tls    *server.TLS // nil for plain HTTP, and without a public listener
	opened map[string]*listener
	wanted map[string]string // addresses by listener
	auth   webhook.Auth
}

// prepare opens the new addresses of a configuration and loads its
// certificate. It changes nothing that is in use.
func (d *listeners) prepare(ctx context.Context, cfg *config.Config) (*change, error) {
	c := &change{opened: map[string]*listener{}, wanted: map[string]string{}, auth: auth(cfg)}
	if cfg.HTTP.Enabled {
		c.wanted[publicListener] = cfg.HTTP.ListenAddr
	}
	if cfg.Telemetry.ListenAddr != "" {
		c.wanted[adminListener] = cfg.Telemetry.ListenAddr
	}
	if cfg.HTTP.Enabled && !d.noTLS {
		var err error
		if c.tls, err = server.LoadTLS(tlsFiles(cfg)); err != nil {
			return nil, fmt.Errorf("http.https_cert_file: %w", err)
		}
		if d.metrics == nil {
			d.metrics = server.NewMetrics(d.registry)
		}
	}
	for name, addr := range c.wanted {
		if have := d.open[name]; have != nil && have.addr == addr {
			continue
		}
		s, err := server.Listen(ctx, d.options(name, addr, c.tls))
		if err != nil {
			c.drop()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.opened[name] = &listener{addr: addr, server: s, done: make(chan struct{})}
	}
	return c, nil
}

func (d *listeners) options(name, addr string, tls *server.TLS) server.Options {
	o := server.Options{Addr: addr, Log: d.log, Handler: server.Admin(d.registry, d.health, d.alive)}
	if name == publicListener {
		o.Handler, o.TLS, o.Metrics = d.handler, tls, d.metrics
	}
	return o
}

// drop gives back what was opened for a change that is not taken up.
func (c *change) drop() {
	for _, l := range c.opened {
		_ = l.server.Close()
	}
}

// take makes the door as the change says. ctx bounds the lives of the
// listeners that it starts.
func (d *listeners) take(ctx context.Context, c *change) {
	d.handler.SetAuth(c.auth)
	for name, l := range d.open {
		if c.wanted[name] != l.addr {
			l.close()
			delete(d.open, name)
			d.log.Info("no longer listening", "key", name, "addr", l.server.Addr().String())
		}
	}
	if l := d.open[publicListener]; l != nil && c.tls != nil {
		l.server.UseTLS(c.tls)
	}
	for name, l := range c.opened {
		d.open[name] = l
		d.serve(ctx, l)
		d.log.Info("listening", "key", name, "addr", l.server.Addr().String(), "tls", name == publicListener && c.tls != nil)
	}
}

func (d *listeners) serve(ctx context.Context, l *listener) {
	ctx, l.stop = context.WithCancel(ctx)
	go func() {
		defer close(l.done)
		if err := l.server.Run(ctx); err != nil {
			select {
			case d.failed <- err:
			default: // One is enough to end the daemon.
			}
		}
	}()
}

// close ends the listener once the requests that it answers are done.
func (l *listener) close() {
	l.stop()
	<-l.done
}

func (d *listeners) close() {
	for _, l := range d.open {
		l.close()
	}
}

func tlsFiles(cfg *config.Config) server.TLSFiles {
	return server.TLSFiles{
		Cert: cfg.HTTP.HTTPSCertFile, Key: cfg.HTTP.HTTPSKeyFile,
		VerifyClients: cfg.HTTP.TLS.VerifyClientCert, ClientCA: cfg.HTTP.TLS.ClientCAFile,
	}
}

func auth(cfg *config.Config) webhook.Auth {
	var out webhook.Auth
	if h := cfg.HTTP; h.BasicAuth.User != "" {
		out = out.WithBasic(h.BasicAuth.User, string(h.BasicAuth.Password))
	}
	if secrets := cfg.HTTP.WebhookSecret; len(secrets) > 0 {
		texts := make([]string, len(secrets))
		for i, s := range secrets {
			texts[i] = string(s)
		}
		out = out.WithSecrets(texts...)
	}
	return out
}
