package teleport

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestConvertRequest(t *testing.T) {
	at := func(hours int) time.Time { return time.Date(2026, 1, 2, hours, 4, 5, 0, time.UTC) }
	req := &types.AccessRequestV3{Metadata: types.Metadata{Name: "0190f9e2-1111-7000-8000-000000000001"}}
	req.Spec = types.AccessRequestSpecV3{
		User: "alice", Roles: []string{"editor", "dba"}, State: types.RequestState_APPROVED,
		Created: at(1), Expires: at(9), RequestReason: "why", ResolveReason: "fine",
		SystemAnnotations: map[string][]string{"team": {"db"}},
		Thresholds:        []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 1}},
		Reviews: []types.AccessReview{{
			Author: "bob", ProposedState: types.RequestState_DENIED, Reason: "no", Created: at(2),
		}},
		SuggestedReviewers:   []string{"carol"},
		RequestedResourceIDs: []types.ResourceID{{ClusterName: "example.com", Kind: "node", Name: "n1"}},
		LoginHint:            "root", MaxDuration: at(7), SessionTTL: at(6),
		RequestKind: types.AccessRequestKind_LONG_TERM,
		AccessList:  &types.PromotedAccessList{Name: "ops", Title: "Operators"},
	}
	start, expiry := at(3), at(4)
	req.Spec.AssumeStartTime, req.Spec.ResourceExpiry = &start, &expiry

	got, err := convertRequest(req)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(&access.Request{
		ID: "0190f9e2-1111-7000-8000-000000000001", User: "alice", Roles: []string{"editor", "dba"},
		Reason: "why", State: access.Approved, ResolveReason: "fine",
		Created: at(1), Expires: at(4), AccessExpires: at(9), MaxDuration: at(7), SessionTTL: at(6), AssumeStart: at(3),
		LoginHint: "root", LongTerm: true, PromotedTo: "Operators",
		Resources:          []access.Resource{{Kind: "node", ID: "/example.com/node/n1", Name: "/example.com/node/n1"}},
		SuggestedReviewers: []string{"carol"}, Annotations: map[string][]string{"team": {"db"}},
		Thresholds: []access.Threshold{{Name: "two", Approve: 2, Deny: 1}},
		Reviews:    []access.Review{{Author: "bob", State: access.Denied, Reason: "no", Created: at(2)}},
	}, got))
}

func TestInvalidRequestIsNotConverted(t *testing.T) {
	for name, req := range map[string]*types.AccessRequestV3{
		"an id that is a path": {Metadata: types.Metadata{Name: "../../x"}},
		"an empty id":          {},
		"an unknown state": {
			Metadata: types.Metadata{Name: "r1"}, Spec: types.AccessRequestSpecV3{State: 99},
		},
		"an unknown state in a review": {
			Metadata: types.Metadata{Name: "r1"},
			Spec:     types.AccessRequestSpecV3{Reviews: []types.AccessReview{{ProposedState: 99}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := convertRequest(req)
			require.Error(t, err)
		})
	}
}

func TestAbsentTimesAreZero(t *testing.T) {
	require.True(t, utc(time.Time{}).IsZero())
	require.True(t, utc(time.Unix(0, 0)).IsZero())
	require.Equal(t, time.UTC, utc(time.Now()).Location())
}
