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
	_, caFile = w.proxied(faketeleport.ServeProxy(w.auth, freeAddr(w.t)))
	return caFile
}

// proxied makes the Proxy the daemon's way to its cluster.
func (w *world) proxied(proxy *faketeleport.Proxy, err error) (made *faketeleport.Proxy, caFile string) {
	w.t.Helper()
	require.NoError(w.t, err)
	w.t.Cleanup(proxy.Close)
	caFile = w.path("web-ca.pem")
	require.NoError(w.t, os.WriteFile(caFile, w.cluster.WebCA(), 0o600))
	w.set("teleport", "auth_server", proxy.Addr())
	return proxy, caFile
}

// TestProxyWithAPortForEachThingIsReached: the older way, without TLS routing.
func TestProxyWithAPortForEachThingIsReached(t *testing.T) {
	w := newWorld(t)
	_, caFile := w.proxied(faketeleport.ServeProxyWithPorts(w.auth, freeAddr(t), freeAddr(t)))
	w.set("teleport", "ca_file", caFile)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

// behindBalancer puts a balancer that terminates TLS in front of the Proxy.
func (w *world) behindBalancer() (*faketeleport.Proxy, *faketeleport.Balancer) {
	w.t.Helper()
	proxy, caFile := w.proxied(faketeleport.ServeProxy(w.auth, freeAddr(w.t)))
	balancer, err := faketeleport.ServeBalancer(proxy, freeAddr(w.t))
	require.NoError(w.t, err)
	w.t.Cleanup(balancer.Close)
	w.set("teleport", "auth_server", balancer.Addr())
	proxy.SetName(balancer.Addr())
	w.env = append(w.env, "SSL_CERT_FILE="+caFile) // as if the system trusted it
	return proxy, balancer
}

func TestClusterIsReachedThroughABalancerThatTerminatesTLS(t *testing.T) {
	w := newWorld(t)
	w.behindBalancer()
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

// TestProxyWithoutUpgradesBehindABalancerIsExplained: those before 15.1 answer 404.
func TestProxyWithoutUpgradesBehindABalancerIsExplained(t *testing.T) {
	w := newWorld(t)
	proxy, _ := w.behindBalancer()
	proxy.SetUpgrades(false)
	w.writeConfig()
	out := w.run("check", "--config", w.confPath)
	require.Contains(t, out, "a balancer that terminates TLS is in front of the Proxy Service: upgrade the Proxy to 15.1 or newer")
}

// TestPageOfABalancerIsToldFromTeleport: the Proxy behind it is away.
func TestPageOfABalancerIsToldFromTeleport(t *testing.T) {
	w := newWorld(t)
	proxy, _ := w.behindBalancer()
	proxy.Close()
	w.writeConfig()
	out := w.run("check", "--config", w.confPath)
	require.Contains(t, out, "this is a balancer's or another server's answer")
	require.NotContains(t, out, "invalid character")
}

// TestProxyThatHangsIsNoticed: it takes bytes and passes none on, so that no
// connection ends.
func TestProxyThatHangsIsNoticed(t *testing.T) {
	w := newWorld(t)
	proxy, caFile := w.proxied(faketeleport.ServeProxy(w.auth, freeAddr(t)))
	w.set("teleport", "ca_file", caFile)
	w.start()
	w.pending()
	proxy.Hang()
	hung := time.Now()
	w.logged("subscription to access requests ended", "the server does not answer")
	require.Less(t, time.Since(hung), 15*time.Second)
	req, err := w.cluster.CreateRequest(alice, []string{"dba"}, "while it hung", faketeleport.RequestOptions{})
	require.NoError(t, err)
	proxy.GoOn()
	back := time.Now()
	w.issue(req.GetName())
	require.Less(t, time.Since(back), 15*time.Second)
	require.Zero(t, w.logCount("level=ERROR"))
}

// TestIdentityThatTheProxyRefusesEndsTheStart: the Proxy's SSH side refuses it
// before the Auth Service sees it.
func TestIdentityThatTheProxyRefusesEndsTheStart(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "ca_file", w.throughProxy())
	other, err := faketeleport.New(faketeleport.Config{})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	other.PutUser(faketeleport.User{Name: "jira-bot", Roles: []string{faketeleport.RolePluginReviewer}})
	require.NoError(t, other.WriteIdentityFile(w.path(identity), "jira-bot", time.Hour))
	began := time.Now()
	w.launch()
	require.Equal(t, 1, w.exit())
	require.Less(t, time.Since(began), 10*time.Second)
	w.logged("the cluster refuses the certificate", "write a new identity")
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

// TestOtherNameOfTheProxyIsExplained: it redirects to the name in its public_addr.
func TestOtherNameOfTheProxyIsExplained(t *testing.T) {
	w := newWorld(t)
	made, caFile := w.proxied(faketeleport.ServeProxy(w.auth, freeAddr(t)))
	w.set("teleport", "ca_file", caFile)
	made.SetName("teleport.example.com:443")
	w.writeConfig()
	out := w.run("check", "--config", w.confPath)
	require.Contains(t, out, "teleport.example.com:443")
	require.Contains(t, out, "set teleport.auth_server to that name")
	require.NotContains(t, out, "EOF")
}
