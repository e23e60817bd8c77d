package faketeleport_test

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func TestSetStateIgnoresThresholdsAndRecordsTheDelegator(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{Community: true}, faketeleport.RoleAccessPluginWithUpdate)
	req, err := c.CreateRequest(bot, []string{"dba"}, "", faketeleport.RequestOptions{
		Thresholds: []types.AccessReviewThreshold{{Approve: 3, Deny: 3}},
	})
	require.NoError(t, err)
	ctx := utils.WithDelegator(t.Context(), "jira:rita@example.com")
	require.NoError(t, clt.SetAccessRequestState(ctx, types.AccessRequestUpdate{
		RequestID: req.GetName(), State: types.RequestState_APPROVED, Reason: "fine",
	}))
	got, err := c.Request(req.GetName())
	require.NoError(t, err)
	require.Equal(t, types.RequestState_APPROVED, got.GetState())
	require.Equal(t, "fine", got.GetResolveReason())
	require.Equal(t, got.GetAccessExpiry(), got.Expiry())
	audit := c.Audit()
	last := audit[len(audit)-1]
	require.Equal(t, faketeleport.AuditUpdate, last.Type)
	require.Equal(t, bot, last.User)
	require.Equal(t, "jira:rita@example.com", last.Delegator)
	require.Equal(t, types.RequestState_APPROVED, last.State)
}

func TestSetState(t *testing.T) {
	const approved, denied, pending = types.RequestState_APPROVED, types.RequestState_DENIED, types.RequestState_PENDING
	for name, tc := range map[string]struct {
		role    string
		cfg     faketeleport.Config
		reason  string
		opts    faketeleport.RequestOptions
		prepare func(t *testing.T, c *faketeleport.Cluster, id string)
		set     types.RequestState
		refused func(error) bool
		want    types.RequestState
	}{
		"denial overwrites an approval": {prepare: settled(approved), set: denied, want: denied},
		"approval does not overwrite a denial": {
			prepare: settled(denied), set: approved, refused: trace.IsBadParameter, want: denied,
		},
		"approval again":       {prepare: settled(approved), set: approved, want: approved},
		"role without update":  {role: faketeleport.RoleAccessPlugin, set: approved, refused: trace.IsAccessDenied, want: pending},
		"long-term":            {opts: faketeleport.RequestOptions{LongTerm: true}, set: approved, refused: trace.IsBadParameter, want: pending},
		"long-term denied":     {opts: faketeleport.RequestOptions{LongTerm: true}, set: denied, want: denied},
		"pending, with reason": {reason: "why", set: pending, refused: trace.IsBadParameter, want: pending},
		"long reason":          {reason: strings.Repeat("x", 4097), set: approved, refused: trace.IsBadParameter, want: pending},
		"promotion":            {set: types.RequestState_PROMOTED, refused: trace.IsBadParameter, want: pending},
		"second factor":        {cfg: faketeleport.Config{AdminActionMFA: true}, set: approved, refused: trace.IsAccessDenied, want: pending},
		"already in a list":    {prepare: promoted, set: denied, want: denied},
		"roles not asked for":  {set: approved, refused: trace.IsBadParameter, want: pending},
		"undecided, then done": {set: approved, want: approved},
	} {
		t.Run(name, func(t *testing.T) {
			role := faketeleport.RoleAccessPluginWithUpdate
			if tc.role != "" {
				role = tc.role
			}
			c, clt := newWorld(t, tc.cfg, role)
			id := create(t, c, tc.opts)
			if tc.prepare != nil {
				tc.prepare(t, c, id)
			}
			update := types.AccessRequestUpdate{RequestID: id, State: tc.set, Reason: tc.reason}
			if name == "roles not asked for" {
				update.Roles = []string{"root"}
			}
			err := clt.SetAccessRequestState(t.Context(), update)
			if tc.refused == nil {
				require.NoError(t, err)
			} else {
				require.True(t, tc.refused(err), "%T: %v", trace.Unwrap(err), err)
			}
			got, err := c.Request(id)
			require.NoError(t, err)
			require.Equal(t, tc.want, got.GetState())
		})
	}
}

func settled(state types.RequestState) func(*testing.T, *faketeleport.Cluster, string) {
	return func(t *testing.T, c *faketeleport.Cluster, id string) {
		t.Helper()
		require.NoError(t, c.SetState("admin", id, state, ""))
	}
}

func promoted(t *testing.T, c *faketeleport.Cluster, id string) {
	t.Helper()
	require.NoError(t, c.Promote("rita", id, "dbas"))
	got, err := c.Request(id)
	require.NoError(t, err)
	require.Equal(t, "dbas", got.GetPromotedAccessListTitle())
}
