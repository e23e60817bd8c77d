package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
	"teleport-jira/internal/webhook"
)

// listeners are the webhook listener and the admin listener, where they are
// configured. They belong to one goroutine, except the handler.
type listeners struct {
	log      *slog.Logger
	registry *prometheus.Registry
	noTLS    bool
	handler  *webhook.Handler // the same behind every webhook listener
	admin    http.Handler
	metrics  *server.Metrics // made with the first certificate; nil before
	open     map[string]*listener
	failed   chan error // the first listener that ended by itself
}

// The listeners' names, and the keys that configure them.
const (
	publicListener = "http.listen_addr"
	adminListener  = "telemetry.listen_addr"
)

// listener is a server that runs.
type listener struct {
	addr   string // as configured
	server *server.Server
	stop   context.CancelFunc
	done   chan struct{}
}

func (a *app) newListeners(cfg *config.Config) *listeners {
	return &listeners{
		log: a.log, registry: a.registry, noTLS: a.opts.InsecureNoTLS,
		handler: webhook.New(webhook.Options{Enqueuer: &a.active, Auth: auth(cfg), Log: a.log, Registerer: a.registry}),
		admin:   server.Admin(a.registry, a.alive, a.readiness()),
		open:    map[string]*listener{},
		failed:  make(chan error, 1),
	}
}

// change is what a configuration changes about the listeners, prepared so that
// applying it cannot fail.
type change struct {
	tls    *server.TLS // nil for plain HTTP, and without a public listener
	opened map[string]*listener
	wanted map[string]string // addresses by listener
	auth   webhook.Auth
}

// prepare opens the new addresses of a configuration and loads its
// certificate. It changes nothing that is in use.
func (ls *listeners) prepare(ctx context.Context, cfg *config.Config) (*change, error) {
	c := &change{opened: map[string]*listener{}, wanted: map[string]string{}, auth: auth(cfg)}
	if cfg.HTTP.Enabled {
		c.wanted[publicListener] = cfg.HTTP.ListenAddr
	}
	if cfg.Telemetry.ListenAddr != "" {
		c.wanted[adminListener] = cfg.Telemetry.ListenAddr
	}
	if cfg.HTTP.Enabled && !ls.noTLS {
		var err error
		if c.tls, err = server.LoadTLS(tlsFiles(cfg)); err != nil {
			return nil, fmt.Errorf("http.https_cert_file: %w", err)
		}
		if ls.metrics == nil {
			ls.metrics = server.NewMetrics(ls.registry)
		}
	}
	for name, addr := range c.wanted {
		if have := ls.open[name]; have != nil && have.addr == addr {
			continue
		}
		s, err := server.Listen(ctx, ls.options(name, addr, c.tls))
		if err != nil {
			c.discard()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.opened[name] = &listener{addr: addr, server: s, done: make(chan struct{})}
	}
	return c, nil
}

func (ls *listeners) options(name, addr string, tls *server.TLS) server.Options {
	o := server.Options{Addr: addr, Log: ls.log, Handler: ls.admin}
	if name == publicListener {
		o.Handler, o.TLS, o.Metrics = ls.handler, tls, ls.metrics
	}
	return o
}

// discard closes what was opened for a change that is not applied.
func (c *change) discard() {
	for _, l := range c.opened {
		_ = l.server.Close()
	}
}

// apply makes the listeners what the change says. Those that it starts outlive
// ctx, until they are closed.
func (ls *listeners) apply(ctx context.Context, c *change) {
	ls.handler.SetAuth(c.auth)
	for name, l := range ls.open {
		if c.wanted[name] != l.addr {
			l.close()
			delete(ls.open, name)
			ls.log.Info("stopped listening", "key", name, "addr", l.server.Addr().String())
		}
	}
	if l := ls.open[publicListener]; l != nil && c.tls != nil {
		l.server.UseTLS(c.tls)
	}
	for name, l := range c.opened {
		ls.open[name] = l
		ls.serve(ctx, l)
		ls.log.Info("listening", "key", name, "addr", l.server.Addr().String(), "tls", name == publicListener && c.tls != nil)
	}
}

func (ls *listeners) serve(ctx context.Context, l *listener) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(l.done)
		if err := l.server.Run(ctx); err != nil {
			select {
			case ls.failed <- err:
			default: // One is enough to end the daemon.
			}
		}
	}()
}

// close stops the listener once the requests in flight are answered.
func (l *listener) close() {
	l.stop()
	<-l.done
}

// close stops all listeners. It always returns nil.
func (ls *listeners) close() error {
	for _, l := range ls.open {
		l.close()
	}
	return nil
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
	if h := cfg.HTTP; h.HeaderName != "" {
		out = out.WithHeader(h.HeaderName, string(h.HeaderValue))
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
