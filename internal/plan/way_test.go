package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestSettlementSaysWhichWayARequestWasDecided(t *testing.T) {
	created := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	now := created.Add(time.Hour)
	byMove := access.Decision{Issue: access.IssueRef{ID: "10001", Key: "TAR-1"}, ChangeID: "7"}.ReasonAs("", "Bob Brown")
	review := func(state access.State, reason string, after time.Duration) access.Review {
		return access.Review{Author: "x", State: state, Reason: reason, Created: created.Add(after)}
	}
	for name, tc := range map[string]struct {
		request *access.Request
		want    Settlement
		none    bool
	}{
		"pending": {request: &access.Request{State: access.Pending}, none: true},
		"deleted": {none: true},
		"moved": {
			request: &access.Request{State: access.Approved, Reviews: []access.Review{review(access.Approved, byMove, time.Minute)}},
			want:    Settlement{access.Approved, WayJira, created.Add(time.Minute)},
		},
		"moved, by its state": {
			request: &access.Request{State: access.Denied, ResolveReason: byMove}, want: Settlement{access.Denied, WayJira, now},
		},
		"reviewed in Teleport": {
			request: &access.Request{State: access.Denied, Reviews: []access.Review{
				review(access.Approved, byMove, time.Minute), review(access.Denied, "no", 2*time.Minute),
			}},
			want: Settlement{access.Denied, WayTeleport, created.Add(2 * time.Minute)},
		},
		"promoted in Teleport": {
			request: &access.Request{State: access.Promoted}, want: Settlement{access.Promoted, WayTeleport, now},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := SettlementOf(Snapshot{Request: tc.request, Record: access.Record{IssueID: "10001"}, Now: now})
			require.Equal(t, !tc.none, ok)
			require.Equal(t, tc.want, got)
		})
	}
}
