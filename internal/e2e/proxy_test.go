package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Between the daemon and the cluster stands a Proxy Service.

// throughProxy makes the daemon reach its cluster through a Proxy whose web
// certificate is of a private CA, the file of which is returned.
func (w *world) throughProxy() (caFile string) {
	w.t.Helper()
	proxy, err := faketeleport.ServeProxy(w.auth, freeAddr(w.t))
	require.NoError(w.t, err)
	w.t.Cleanup(proxy.Close)
	caFile = w.path("web-ca.pem")
	require.NoError(w.t, os.WriteFile(caFile, w.cluster.WebCA(), 0o600))
	w.set("teleport", "auth_server", proxy.Addr())
	return caFile
}

func TestProxyWithAPrivateCAIsReachedWithCAFile(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "ca_file", w.throughProxy())
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityProxyWithoutATrustedCertificateIsRefused(t *testing.T) {
	w := newWorld(t)
	w.throughProxy()
	w.launch()
	w.logged("side unreachable, will retry", "web certificate of the Proxy Service is not trusted")
	require.Zero(t, w.cluster.Watchers())
}

// TestDeafSubscriptionBehindAProxyIsNoticed: a Proxy passes the end of its
// connection to the Auth Service on only when the client writes, which a daemon
// with nothing to do does not.
func TestDeafSubscriptionBehindAProxyIsNoticed(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "ca_file", w.throughProxy())
	w.start()
	w.pending()
	w.auth.Stop()
	succeeds(t, w.auth.Start) // a process that is being started may hold the port for a moment
	died := time.Now()
	req, err := w.cluster.CreateRequest(alice, []string{"dba"}, "while it was deaf", faketeleport.RequestOptions{})
	require.NoError(t, err)
	w.logged("subscription to access requests ended")
	w.issue(req.GetName())
	require.Less(t, time.Since(died), 15*time.Second)
}
