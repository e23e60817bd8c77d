package sandbox

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"teleport-jira/internal/fakejira"
)

// daemonFiles is what the daemon is started with.
type daemonFiles struct {
	config        string // path
	webhookAddr   string
	webhookSecret string
}

// configTemplate is the daemon's configuration.
const configTemplate = `# Made by the sandbox for one run.
[teleport]
addr = {{printf "%q" .Auth}}
identity = {{printf "%q" .Identity}}

[jira]
url = {{printf "%q" .JiraURL}}
username = {{printf "%q" .Username}}
api_token = {{printf "%q" .Token}}
project = "TAR"
issue_type = "Task"

[http]
listen_addr = {{printf "%q" .Webhook}}
webhook_secret = {{printf "%q" .Secret}}

[review]
mode = "on_behalf"
approvers = [{{range $i, $a := .Approvers}}{{if $i}}, {{end}}{{printf "%q" $a}}{{end}}]

[review.identity]
match_email = true

[reconcile]
resync_interval = "30s"
poll_interval = "5s"

[log]
severity = "INFO"
`

// writeFiles writes the daemon's identity and configuration into dir, readable
// by nobody else.
func (w *world) writeFiles(dir, jiraURL string) (daemonFiles, error) {
	identity := filepath.Join(dir, "identity")
	if err := w.cluster.WriteIdentityFile(identity, daemonUser, identityTTL); err != nil {
		return daemonFiles{}, err
	}
	addr, err := freeAddr()
	if err != nil {
		return daemonFiles{}, err
	}
	files := daemonFiles{
		config:        filepath.Join(dir, "teleport-jira.toml"),
		webhookAddr:   addr,
		webhookSecret: rand.Text(),
	}
	parsed, err := template.New("configuration").Parse(configTemplate)
	if err != nil {
		return daemonFiles{}, err
	}
	var text strings.Builder
	err = parsed.Execute(&text, map[string]any{
		"Auth": w.auth.Addr(), "Identity": identity,
		"JiraURL": jiraURL, "Username": fakejira.BotEmail, "Token": fakejira.BotToken,
		"Webhook": addr, "Secret": files.webhookSecret, "Approvers": approvers(),
	})
	if err != nil {
		return daemonFiles{}, fmt.Errorf("write the configuration: %w", err)
	}
	return files, os.WriteFile(files.config, []byte(text.String()), 0o600)
}

// freeAddr is a loopback address that nobody listens on at the moment.
func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", loopback)
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
