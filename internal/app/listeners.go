package app

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
	"teleport-jira/internal/webhook"
)

// door is the listeners: the webhook's and the administrator's, where they are
// configured.
type door struct {
	handler *webhook.Handler // nil without a webhook listener
	servers []*server.Server
	public  *server.Server // the webhook's; nil without one
}

// listen opens what is configured. Ports that are taken are found here.
func (a *app) listen(ctx context.Context, cfg *config.Config) (*door, error) {
	d := &door{}
	if cfg.HTTP.Enabled {
		if err := a.listenPublic(ctx, cfg, d); err != nil {
			return nil, err
		}
	}
	if addr := cfg.Telemetry.ListenAddr; addr != "" {
		admin, err := server.Listen(ctx, server.Options{
			Addr: addr, Handler: server.Admin(a.registry, a.health, a.alive), Log: a.log,
		})
		if err != nil {
			d.close()
			return nil, fmt.Errorf("telemetry.listen_addr: %w", err)
		}
		d.servers = append(d.servers, admin)
		a.log.Info("listening for telemetry", "addr", admin.Addr().String())
	}
	return d, nil
}

func (a *app) listenPublic(ctx context.Context, cfg *config.Config, d *door) error {
	opts := server.Options{Addr: cfg.HTTP.ListenAddr, Log: a.log}
	if !a.opts.InsecureNoTLS {
		tls, err := server.LoadTLS(tlsFiles(cfg))
		if err != nil {
			return fmt.Errorf("http.https_cert_file: %w", err)
		}
		opts.TLS, opts.Metrics = tls, server.NewMetrics(a.registry)
	}
	d.handler = webhook.New(webhook.Options{
		Doorbell: a.bell, Auth: auth(cfg), Log: a.log, Registerer: a.registry,
	})
	opts.Handler = d.handler
	public, err := server.Listen(ctx, opts)
	if err != nil {
		return fmt.Errorf("http.listen_addr: %w", err)
	}
	d.public = public
	d.servers = append(d.servers, public)
	a.log.Info("listening for webhooks", "addr", public.Addr().String(), "tls", opts.TLS != nil)
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
	if secrets := cfg.HTTP.WebhookSecret; len(secrets) > 0 {
		texts := make([]string, len(secrets))
		for i, s := range secrets {
			texts[i] = string(s)
		}
		out = out.WithSecrets(texts...)
	}
	return out
}

// run serves until ctx ends.
func (d *door) run(ctx context.Context) error {
	eg, ctx := errgroup.WithContext(ctx)
	for _, s := range d.servers {
		eg.Go(func() error { return s.Run(ctx) })
	}
	return eg.Wait()
}

func (d *door) close() {
	for _, s := range d.servers {
		_ = s.Close() // It is closed already once it has run.
	}
}
