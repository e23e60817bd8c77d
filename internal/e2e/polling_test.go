package e2e

import (
	"net"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestPollingNeedsNoInboundPort(t *testing.T) {
	w := newWorld(t, func(o *options) { o.polling = true })
	w.set("http", "listen_addr", w.hookAddr)
	w.start()
	_, err := net.Dial("tcp", w.hookAddr)
	require.Error(t, err)
	require.Zero(t, w.logCount("msg=listening", "http.listen_addr"))

	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: polled")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved", "polled")

	denied, issue := w.pending()
	w.drag(issue, "Denied", fakejira.AliceID)
	w.said(issue, "nobody may decide their own request")
	w.inStatus(issue, "Pending")
	w.inState(denied, types.RequestState_PENDING)
}

func TestPollingOnDataCenterWithSearchThatLags(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira = fakejira.Board(fakejira.DataCenter)
		o.jira.SearchLag = 2 * time.Second
		o.polling = true
	})
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.said(issue, "has been denied")
}
