package e2e

import (
	"encoding/json"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

// clusterProperty is where an issue names its cluster.
const clusterProperty = "teleportCluster"

// neighbour is another cluster whose daemon works with the same project and the
// same Jira account.
func (w *world) neighbour(o options) *world {
	w.t.Helper()
	other := *w
	other.dir, other.log, other.conf = w.t.TempDir(), &testworld.Log{}, testworld.Config{}
	other.hookAddr, other.adminAddr = freeAddr(w.t), freeAddr(w.t)
	other.confPath = other.path("teleport-jira.toml")
	other.issueCertificate()
	other.makeCluster(o)
	if !o.polling {
		w.jira.RegisterWebhook(fakejira.Webhook{URL: other.hookURL("/"), Secret: o.secret, RetryScale: 0.0005})
	}
	other.configure(o)
	other.makeDaemon()
	return &other
}

// twoClusters are two daemons of two clusters, started, with one Jira account.
func twoClusters(t *testing.T, change func(*options)) (one, two *world) {
	t.Helper()
	o := options{
		cluster: faketeleport.Config{ClusterName: "two.example.com", ProxyPublicAddr: proxy},
		roles:   []string{faketeleport.RolePluginReviewer}, secret: secret,
	}
	change(&o)
	one = newWorld(t, change)
	two = one.neighbour(o)
	one.start()
	two.start()
	return one, two
}

// restart ends the daemon and starts it again, so that it lists both sides.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
	w.quiet()
}

func TestSecurityTwoClustersLeaveEachOthersIssuesAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*options){
		"cloud":               func(o *options) { o.jira = fakejira.Board(fakejira.Cloud) },
		"data center, polled": func(o *options) { o.jira, o.polling = fakejira.Board(fakejira.DataCenter), true },
	} {
		t.Run(name, func(t *testing.T) {
			one, two := twoClusters(t, change)
			a, cardA := one.pending()
			b, cardB := two.pending()
			require.JSONEq(t, `"example.com"`, string(one.read(cardA.ID).Properties[clusterProperty]))
			require.JSONEq(t, `"two.example.com"`, string(two.read(cardB.ID).Properties[clusterProperty]))
			require.Equal(t, "example.com", one.record(a)["cluster"])
			require.Equal(t, "two.example.com", two.record(b)["cluster"])
			one.restart()
			two.restart()
			one.logged("level=INFO", "issues of another teleport cluster", "other_cluster=two.example.com")
			two.logged("level=INFO", "issues of another teleport cluster", "other_cluster=example.com")
			for _, card := range []fakejira.Issue{cardA, cardB} {
				require.Equal(t, "Pending", one.read(card.ID).Status.Name)
				require.Empty(t, one.comments(card))
			}

			one.drag(cardA, "Approved", fakejira.BobID)
			one.inState(a, types.RequestState_APPROVED)
			two.drag(cardB, "Denied", fakejira.BobID)
			two.inState(b, types.RequestState_DENIED)
			one.quiet()
			two.quiet()
			one.restart()
			two.restart()
			one.inStatus(cardA, "Approved")
			one.inStatus(cardB, "Denied")
			for _, card := range []fakejira.Issue{cardA, cardB} {
				require.Zero(t, one.sayings(card, "expired"))
				require.Zero(t, one.sayings(card, "decided nothing"))
			}
		})
	}
}

// Each daemon still closes what its own cluster lost while it was down.
func TestOrphanIsClosedByTheDaemonOfItsCluster(t *testing.T) {
	one, two := twoClusters(t, func(o *options) { o.jira = fakejira.Board(fakejira.Cloud) })
	id, lost := two.pending()
	_, kept := one.pending()
	two.stop()
	require.NoError(t, two.cluster.Remove(id))
	one.restart()
	require.Equal(t, "Pending", one.read(lost.ID).Status.Name)
	two.start()
	two.inStatus(lost, "Expired")
	two.quiet()
	require.Equal(t, "Pending", one.read(kept.ID).Status.Name)
}

func TestSecurityDecisionOnAnIssueOfAnotherClusterDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	names := func(cluster string) {
		value, err := json.Marshal(cluster)
		require.NoError(t, err)
		require.NoError(t, w.jira.SetProperty(issue.ID, fakejira.CarolID, clusterProperty, value))
	}
	names("another.example.com")
	w.drag(issue, "Approved", fakejira.BobID)
	w.logged("level=WARN", "names another teleport cluster", id)
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	require.Empty(t, w.comments(issue))

	names("example.com")
	w.drag(issue, "Pending", fakejira.BobID)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
