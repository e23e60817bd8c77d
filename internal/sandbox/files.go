package sandbox

import (
	"crypto/rand"
	"path/filepath"

	"teleport-jira/internal/testworld"
)

// daemonFiles is what the daemon is started with.
type daemonFiles struct {
	config        string // path
	webhookAddr   string
	webhookSecret string
}

// writeFiles writes the daemon's identity and configuration into dir, readable
// by nobody else.
func (w *world) writeFiles(dir, jiraURL string) (daemonFiles, error) {
	identity := filepath.Join(dir, "identity")
	if err := w.cluster.WriteIdentityFile(identity, daemonUser, identityTTL); err != nil {
		return daemonFiles{}, err
	}
	addr, err := testworld.FreeAddr()
	if err != nil {
		return daemonFiles{}, err
	}
	files := daemonFiles{
		config:        filepath.Join(dir, "teleport-jira.toml"),
		webhookAddr:   addr,
		webhookSecret: rand.Text(),
	}
	conf := testworld.Config{}
	w.cluster.Configure(conf, identity)
	testworld.ConfigureJira(conf, w.jira.Flavour(), jiraURL)
	conf.Set("http", "listen_addr", addr)
	conf.Set("http", "webhook_secret", files.webhookSecret)
	conf.Set("jira.statuses", "ended", "Ended")
	conf.Set("jira.statuses", "revoked", "Revoked")
	conf.Set("review", "mode", "on_behalf")
	conf.Set("review", "approvers", approvers())
	conf.Set("review.identity", "match_email", true)
	conf.Set("reconcile", "resync_interval", "30s")
	conf.Set("reconcile", "poll_interval", "5s")
	conf.Set("log", "severity", "INFO")
	return files, conf.Write(files.config)
}
