package e2e

import (
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/testworld"
)

// TestSecurityChangeIsRefusedOnceByAllReplicas: three daemons are told of the
// same forbidden move at the same moment.
func TestSecurityChangeIsRefusedOnceByAllReplicas(t *testing.T) {
	w := newWorld(t)
	w.start()
	others := []*world{w.replica(), w.replica()}
	for _, other := range others {
		other.start()
	}
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.AliceID)
	eventually(t, func(c *assert.CollectT) {
		require.NotZero(c, w.sayings(issue, "nobody may decide their own request"))
	})
	w.inStatus(issue, "Pending")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)

	all := append(others, w)
	// Who met another's claim comes back when that has ended.
	within(t, time.Minute, func(c *assert.CollectT) {
		require.Equal(c, "approved", w.record(id)["resolution"])
		for _, one := range all {
			require.Equal(c, "0", one.metric("teleport_jira_queue_depth"))
		}
	})
	refusals, decisions := 0, 0
	for _, one := range all {
		refusals += one.logCount("decision refused")
		decisions += one.logCount("decision submitted")
	}
	require.Equal(t, 1, refusals)
	require.Equal(t, 1, decisions)
	require.Equal(t, 1, w.sayings(issue, "nobody may decide their own request"))
	require.Equal(t, 1, w.sayings(issue, "has been approved"))
	require.Len(t, w.reviews(id), 1)
}

// replica is another daemon of the same world, with listeners and a log of its
// own, that gets the same webhooks.
func (w *world) replica() *world {
	w.t.Helper()
	other := *w
	other.log = &testworld.Log{}
	other.hookAddr, other.adminAddr = freeAddr(w.t), freeAddr(w.t)
	other.confPath = other.path(other.hookAddr + ".toml")
	other.conf = testworld.Config{}
	for section, keys := range w.conf {
		for key, value := range keys {
			other.conf.Set(section, key, value)
		}
	}
	other.set("http", "listen_addr", other.hookAddr)
	other.set("telemetry", "listen_addr", other.adminAddr)
	w.jira.RegisterWebhook(fakejira.Webhook{URL: other.hookURL("/"), Secret: secret, RetryScale: 0.0005})
	other.makeDaemon()
	return &other
}
