package faketeleport_test

import (
	"testing"

	rulespb "github.com/gravitational/teleport/api/gen/proto/go/teleport/accessmonitoringrules/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

// bothKinds watches requests and rules.
func bothKinds(partial bool) types.Watch {
	return types.Watch{AllowPartialSuccess: partial, Kinds: []types.WatchKind{
		{Kind: types.KindAccessRequest}, {Kind: types.KindAccessMonitoringRule},
	}}
}

func TestWatchGrantsWhatIsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     faketeleport.Config
		roles   []string
		partial bool
		granted int // kinds; 0: the watch is refused
	}{
		"both":                   {roles: []string{faketeleport.RoleAccessPlugin, faketeleport.RoleMonitoringRules}, granted: 2},
		"no right, all or none":  {roles: []string{faketeleport.RoleAccessPlugin}},
		"no right, partial":      {roles: []string{faketeleport.RoleAccessPlugin}, partial: true, granted: 1},
		"unknown, all or none":   {cfg: faketeleport.Config{NoMonitoringRules: true}, roles: []string{faketeleport.RoleAccessPlugin}},
		"unknown, partial":       {cfg: faketeleport.Config{NoMonitoringRules: true}, roles: []string{faketeleport.RoleAccessPlugin}, partial: true, granted: 1},
		"no right to any at all": {roles: []string{faketeleport.RoleReviewer}, partial: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, clt := newWorld(t, c.cfg, c.roles...)
			w, err := clt.NewWatcher(t.Context(), bothKinds(c.partial))
			require.NoError(t, err)
			if c.granted == 0 {
				<-w.Done()
				require.Error(t, w.Error())
				return
			}
			status, ok := next(t, w).Resource.(types.WatchStatus)
			require.True(t, ok)
			require.Len(t, status.GetKinds(), c.granted)
		})
	}
}

func TestMonitoringRulesOnTheWire(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin, faketeleport.RoleMonitoringRules)
	w, err := clt.NewWatcher(t.Context(), bothKinds(true))
	require.NoError(t, err)
	next(t, w)
	c.PutMonitoringRule(faketeleport.MonitoringRule{Name: "night", Condition: "true", Integration: "jira", Decision: "APPROVED", Schedules: true})
	c.PutMonitoringRule(faketeleport.MonitoringRule{Name: "other", Subjects: []string{"session"}, Condition: "true"})
	put := next(t, w).Resource.(types.Resource153UnwrapperT[*rulespb.AccessMonitoringRule]).UnwrapT()
	require.Equal(t, "night", put.Metadata.Name)
	require.NotEmpty(t, put.Spec.ProtoReflect().GetUnknown(), "schedules arrive as bytes")
	next(t, w)

	list := func(filter *rulespb.ListAccessMonitoringRulesWithFilterRequest) (names []string) {
		rules, _, err := clt.AccessMonitoringRulesClient().ListAccessMonitoringRulesWithFilter(t.Context(), filter)
		require.NoError(t, err)
		for _, rule := range rules {
			names = append(names, rule.Metadata.Name)
		}
		return names
	}
	require.Equal(t, []string{"night", "other"}, list(&rulespb.ListAccessMonitoringRulesWithFilterRequest{}))
	require.Equal(t, []string{"night"}, list(&rulespb.ListAccessMonitoringRulesWithFilterRequest{Subjects: []string{types.KindAccessRequest}}))
	require.Equal(t, []string{"night"}, list(&rulespb.ListAccessMonitoringRulesWithFilterRequest{AutomaticReviewName: "jira"}))
	require.Empty(t, list(&rulespb.ListAccessMonitoringRulesWithFilterRequest{NotificationName: "jira"}))
	page, token, err := clt.AccessMonitoringRulesClient().ListAccessMonitoringRulesWithFilter(t.Context(),
		&rulespb.ListAccessMonitoringRulesWithFilterRequest{PageSize: 1})
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, []string{"other"}, list(&rulespb.ListAccessMonitoringRulesWithFilterRequest{PageToken: token}))

	c.RemoveMonitoringRule("night")
	c.RemoveMonitoringRule("never was")
	deleted := next(t, w)
	require.Equal(t, types.OpDelete, deleted.Type)
	require.IsType(t, &types.ResourceHeader{}, deleted.Resource)
}

func TestListingMonitoringRulesNeedsTheRightAndAServer(t *testing.T) {
	_, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	_, _, err := clt.AccessMonitoringRulesClient().ListAccessMonitoringRulesWithFilter(t.Context(), &rulespb.ListAccessMonitoringRulesWithFilterRequest{})
	require.True(t, trace.IsAccessDenied(err), err)
	_, clt = newWorld(t, faketeleport.Config{NoMonitoringRules: true}, faketeleport.RoleMonitoringRules)
	_, _, err = clt.AccessMonitoringRulesClient().ListAccessMonitoringRulesWithFilter(t.Context(), &rulespb.ListAccessMonitoringRulesWithFilterRequest{})
	require.True(t, trace.IsNotImplemented(err), err)
}
