package e2e

import (
	"crypto/tls"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

func TestRenewedCertificateIsTakenUpWithoutASignal(t *testing.T) {
	w := newWorld(t)
	w.start()
	before := w.serial()
	want := w.issueCertificate()
	require.NotEqual(t, want, before)
	eventually(t, func(c *assert.CollectT) { require.Equal(c, want, w.serial()) })
	w.logged("certificate reloaded")
}

func TestHalfACertificateLeavesTheOldInUse(t *testing.T) {
	w := newWorld(t)
	w.start()
	before := w.serial()
	require.NoError(t, os.WriteFile(w.path("tls.crt"), []byte("-----BEGIN CERTIFICATE-----\nMIIB"), 0o600))
	w.logged("level=WARN", "certificate not reloaded, the old one stays in use")
	require.Equal(t, before, w.serial())
}

// serial is the number of the certificate that the webhook listener shows.
func (w *world) serial() int64 {
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.hookAddr)
	if err != nil {
		return 0
	}
	defer conn.Close()
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return 0
	}
	return secured.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestRenewedIdentityIsTakenUpWithoutASignal(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "refresh_identity_interval", "1s")
	w.start()
	w.cluster.PutUser(faketeleport.User{Name: "jira-bot-2", Roles: []string{faketeleport.RolePluginReviewer}})
	require.NoError(t, w.cluster.WriteIdentityFile(w.path(identity), "jira-bot-2", time.Hour))
	w.logged("identity renewed", "teleport_user=jira-bot-2")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Equal(t, "jira-bot-2", w.reviews(id)[0].Author)
}

func TestHalfAnIdentityLeavesTheOldInUse(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "refresh_identity_interval", "1s")
	w.start()
	complete, err := os.ReadFile(w.path(identity))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.path(identity), complete[:len(complete)/2], 0o600))
	w.logged("level=WARN", "identity not renewed")
	w.pending()
}

func TestTokenThatExpiredIsLoudAndItsNewFileIsTakenUp(t *testing.T) {
	w := newWorld(t)
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken+"\n"), 0o600))
	w.conf.Drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.start()
	require.NoError(t, w.jira.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "renewed-token" }))
	id := w.request(faketeleport.RequestOptions{})
	w.logged("level=ERROR", "jira refuses the login")
	eventually(t, func(c *assert.CollectT) {
		status, body, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Contains(c, body, "jira: ")
	})
	require.NoError(t, os.WriteFile(token, []byte("renewed-token\n"), 0o600))
	w.logged(`msg="secrets reloaded"`)
	within(t, time.Minute, func(c *assert.CollectT) { require.Len(c, w.issues(id), 1) })
	w.issue(id)
	w.ready()
	require.NotContains(t, w.log.String(), "renewed-token")
}
