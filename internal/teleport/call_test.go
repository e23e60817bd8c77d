package teleport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
)

// A worker's claim lasts half a minute: a hanging call must leave it time.
func TestHangingCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{})
		clt := w.connect()
		id := w.request("alice", faketeleport.RequestOptions{})
		w.cluster.Inject(faketeleport.Fault{Hang: true})
		for name, call := range map[string]func() error{
			"read request": func() error { _, err := clt.Request(t.Context(), id); return err },
			"read record":  func() error { _, err := clt.Record(t.Context(), id); return err },
			"swap record": func() error {
				return clt.SwapRecord(t.Context(), id, access.Record{}, access.Record{User: "alice"})
			},
			"decide": func() error { _, err := clt.Decide(t.Context(), decision(id, access.Approved)); return err },
		} {
			start := time.Now()
			err := call()
			require.Equal(t, access.Temporary, access.ClassOf(err), name)
			require.LessOrEqual(t, time.Since(start), 15*time.Second, name)
		}
	})
}

func TestCallsAreCountedByResult(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})
	_, err := clt.Request(t.Context(), id)
	require.NoError(t, err)
	_, err = clt.Request(t.Context(), "missing")
	require.ErrorIs(t, err, access.ErrNotFound)
	w.cluster.Inject(faketeleport.Unavailable("ListAccessRequests", 1))
	_, err = clt.Request(t.Context(), id)
	require.Error(t, err)
	require.ErrorIs(t, clt.SwapRecord(t.Context(), id, access.Record{User: "bob"}, access.Record{}), access.ErrConflict)

	require.Equal(t, map[string]float64{"ok": 1, "not_found": 1, "unavailable": 1}, w.calls("get_request"))
	require.Equal(t, map[string]float64{"conflict": 1}, w.calls("update_plugin_data"))
}

// calls are the counted calls of a method by result, without the zeros.
func (w *world) calls(method string) map[string]float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	require.NoError(w.t, err)
	out := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != "teleport_jira_teleport_calls_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, label := range m.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if n := m.GetCounter().GetValue(); labels["method"] == method && n > 0 {
				out[labels["result"]] = n
			}
		}
	}
	return out
}
