package e2e

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// existing is what the existing plugin's own documentation has operators fill in.
const existing = `# example jira plugin configuration TOML file

[teleport]
%s

[jira]
url = "%s" # JIRA URL. For JIRA Cloud, https://[my-jira].atlassian.net
username = "bot@example.com" # JIRA username
api_token = "%s" # JIRA API Basic Auth token, or our password in case you're using Jira Server.
project = "TAR" # JIRA Project key

[http]
listen_addr = "%s" # JIRA webhook listener
public_addr = "example.com" # URL on which webhook server is accessible externally, e.g. [https://]teleport-proxy.example.com
https_key_file = "%s"  # TLS private key
https_cert_file = "%s" # TLS certificate

[log]
output = "stderr" # Logger output. Could be "stdout", "stderr" or "/var/lib/teleport/jira.log"
severity = "INFO" # Logger severity. Could be "INFO", "ERROR", "DEBUG" or "WARN".
`

func TestConfigurationOfTheExistingPluginWorksUnchanged(t *testing.T) {
	t.Parallel()
	for name, section := range map[string]func(w *world) string{
		"addr and identity": func(w *world) string {
			return fmt.Sprintf("addr = %q\nidentity = %q\nrefresh_identity = true", w.auth.Addr(), w.path(identity))
		},
		"auth_server and key files": func(w *world) string {
			pair, err := w.cluster.WriteKeyPair(w.dir, botUser, time.Hour)
			require.NoError(w.t, err)
			return fmt.Sprintf("auth_server = %q\nclient_key = %q\nclient_crt = %q\nroot_cas = %q",
				w.auth.Addr(), pair.Key, pair.Cert, pair.RootCAs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.secret = "" })
			token := w.path("token")
			require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken+"\n"), 0o600))
			w.writeText(fmt.Sprintf(existing, section(w), w.site.URL(), token, w.hookAddr, w.path("tls.key"), w.path("tls.crt")))
			w.launchAsIs()
			w.logged("subscribed to access requests")
			id := w.request(faketeleport.RequestOptions{})
			issue := w.issue(id)
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			w.stop()
		})
	}
}

func TestIssueOfTheExistingPluginIsCarriedOn(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	issue, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
		Project: "TAR", Summary: "alice@example.com requested dba, editor",
		Properties: named(id),
	})
	require.NoError(t, err)
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"issue_id": issue.ID, "issue_key": issue.Key, "user": alice, "roles": "dba,editor", "reviews_count": "0",
	}))
	w.start()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
	require.Len(t, w.jira.Issues(), 1)
}

func TestRecordHasTheKeysOfTheExistingPlugin(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	req, err := w.cluster.Request(id)
	require.NoError(t, err)
	rec := w.record(id)
	require.Equal(t, issue.ID, rec["issue_id"])
	require.Equal(t, issue.Key, rec["issue_key"])
	require.Equal(t, alice, rec["user"])
	require.Equal(t, "dba,editor", rec["roles"])
	require.Equal(t, strconv.FormatInt(req.GetCreationTime().Unix(), 10), rec["created"])
	require.Equal(t, "the disk is full", rec["request_reason"])

	w.review(id, bob, types.RequestState_APPROVED, "looks good")
	w.said(issue, "has been approved")
	rec = w.record(id)
	require.Equal(t, "1", rec["reviews_count"])
	require.Equal(t, "approved", rec["resolution"])
	require.Equal(t, "looks good", rec["resolve_reason"])
}
