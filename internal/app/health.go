package app

import (
	"context"
	"time"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
)

// healthTimeout bounds what Healthy waits for an answer.
const healthTimeout = 5 * time.Second

// Healthy asks the daemon that runs on this host with the configuration at path
// whether it is alive, for supervisors that can only run a program. It asks
// /healthz where telemetry is configured, else /status of the webhook listener.
// asked is false, with a nil error, where neither listens: then nothing is known.
func Healthy(ctx context.Context, path string) (asked bool, err error) {
	cfg, err := config.Load(path, config.Options{})
	if err != nil {
		// The daemon may have been started with --insecure-no-tls.
		if cfg, err = config.Load(path, config.Options{InsecureNoTLS: true}); err != nil {
			return false, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	switch {
	case cfg.Telemetry.ListenAddr != "":
		return true, server.Ask(ctx, cfg.Telemetry.ListenAddr, "/healthz", false)
	case cfg.HTTP.Enabled:
		return true, server.Ask(ctx, cfg.HTTP.ListenAddr, "/status", cfg.HTTP.HTTPSCertFile != "")
	}
	return false, nil
}
