package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	fakejira "teleport-jira/internal/fake/jira"
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
	w.said(issue, "nobody may decide their own request")
	w.inStatus(issue, "Pending")
	for _, other := range others {
		other.quiet()
	}
	refusals := w.logCount("decision refused")
	for _, other := range others {
		refusals += other.logCount("decision refused")
	}
	require.Equal(t, 1, refusals)
	require.Equal(t, 1, w.sayings(issue, "nobody may decide their own request"))
	w.inState(id, types.RequestState_PENDING)

	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
	require.Len(t, w.reviews(id), 1)
}

// replica is another daemon of the same world, with listeners and a log of its
// own, that gets the same webhooks.
func (w *world) replica() *world {
	w.t.Helper()
	other := *w
	other.proc, other.log = nil, &output{}
	other.hookAddr, other.adminAddr = freeAddr(w.t), freeAddr(w.t)
	other.confPath = other.path(other.hookAddr + ".toml")
	other.conf = configuration{}
	for section, keys := range w.conf {
		for key, value := range keys {
			other.conf.set(section, key, value)
		}
	}
	other.set("http", "listen_addr", other.hookAddr)
	other.set("telemetry", "listen_addr", other.adminAddr)
	w.jira.RegisterWebhook(fakejira.Webhook{URL: other.hookURL("/"), Secret: secret, RetryScale: 0.0005})
	w.t.Cleanup(other.abandon)
	return &other
}
