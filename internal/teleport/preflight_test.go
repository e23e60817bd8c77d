package teleport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/teleport"
)

func TestPreflight(t *testing.T) {
	const ok, warning, failure = preflight.OK, preflight.Warning, preflight.Failure
	const address, identity, version, workflows = "address", "identity", "version", "advanced access workflows"
	const list, data, submit, users = "list and read access requests", "keep the record in plugin data", "submit decisions", "read users"
	for name, tc := range map[string]struct {
		cluster faketeleport.Config
		role    faketeleport.Role
		mode    access.ReviewMode
		users   bool
		want    map[string]preflight.Level
	}{
		"all that is needed to review": {
			role: faketeleport.Role{ListRequests: true, PluginData: true, ReviewRequests: []string{"*"}},
			want: map[string]preflight.Level{address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: ok},
		},
		"all that is needed to set states": {
			cluster: faketeleport.Config{Community: true},
			role:    faketeleport.Role{ListRequests: true, PluginData: true, UpdateRequests: true},
			want:    map[string]preflight.Level{address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: ok},
		},
		"nothing": {
			users: true,
			want: map[string]preflight.Level{
				address: ok, identity: ok, version: ok, workflows: ok, list: failure, data: failure, submit: failure, users: failure,
			},
		},
		"users may be read": {
			role: faketeleport.Role{
				ListRequests: true, PluginData: true, ReviewRequests: []string{"*"}, ReadUsers: true,
			},
			users: true,
			want: map[string]preflight.Level{
				address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: ok, users: ok,
			},
		},
		"reviews where there are none": {
			cluster: faketeleport.Config{Community: true},
			role:    faketeleport.Role{ListRequests: true, PluginData: true, ReviewRequests: []string{"*"}},
			mode:    access.ModeReview,
			want:    map[string]preflight.Level{address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: failure},
		},
		"on behalf where it is not known": {
			cluster: faketeleport.Config{Version: "14.2.3"},
			role:    faketeleport.Role{ListRequests: true, PluginData: true},
			mode:    access.ModeOnBehalf,
			want:    map[string]preflight.Level{address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: failure},
		},
		"on behalf can't be seen": {
			cluster: faketeleport.Config{OnBehalf: true},
			role:    faketeleport.Role{ListRequests: true, PluginData: true},
			mode:    access.ModeOnBehalf,
			want:    map[string]preflight.Level{address: ok, identity: ok, version: ok, workflows: ok, list: ok, data: ok, submit: warning},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.cluster, "own")
			tc.role.Name = "own"
			w.cluster.PutRole(tc.role)
			w.cfg.ReviewMode, w.cfg.NeedUsers, w.cfg.RefreshIdentity = tc.mode, tc.users, true
			findings, err := w.connect().Preflight(t.Context())
			require.NoError(t, err)
			got := make(map[string]preflight.Level)
			for _, f := range findings {
				got[f.Name] = f.Level
				require.NotEmpty(t, f.Detail, f.Name)
				require.Equal(t, f.Level == ok, f.Fix == "", f.Name)
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestRefusedDecisionsAreExplained: the detail says what is wrong, not only what
// to do.
func TestRefusedDecisionsAreExplained(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster faketeleport.Config
		mode    access.ReviewMode
		detail  string
	}{
		"no right to review":     {mode: access.ModeReview, detail: "mode review: configured; the daemon's roles may not review requests"},
		"no right to set states": {mode: access.ModeState, detail: "mode state: configured; the daemon's roles may not set the state of requests"},
		"no reviews":             {cluster: faketeleport.Config{Community: true}, mode: access.ModeReview, detail: "the cluster has no advanced access workflows"},
		"on behalf":              {cluster: faketeleport.Config{OnBehalf: true}, mode: access.ModeOnBehalf, detail: "not visible from here"},
		"on behalf, old cluster": {cluster: faketeleport.Config{Version: "18.10.4"}, mode: access.ModeOnBehalf, detail: "from 18.11.0 on"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.cluster, "own")
			w.cluster.PutRole(faketeleport.Role{Name: "own", ListRequests: true, PluginData: true})
			w.cfg.ReviewMode = tc.mode
			findings, err := w.connect().Preflight(t.Context())
			require.NoError(t, err)
			last := findings[len(findings)-1]
			require.Equal(t, "submit decisions", last.Name)
			require.Contains(t, last.Detail, tc.detail)
		})
	}
}

func TestIdentityThatNobodyRenewsIsAWarning(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	findings, err := w.connect().Preflight(t.Context())
	require.NoError(t, err)
	require.Equal(t, preflight.Warning, findings[1].Level)
	require.Contains(t, findings[1].Fix, "refresh_identity")
}

func TestRightsThatChangeAreSeenWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{}, "own")
		w.cluster.PutRole(faketeleport.Role{Name: "own", ListRequests: true, PluginData: true})
		clt := w.connect()
		id := w.request("alice", faketeleport.RequestOptions{})
		_, err := clt.Request(t.Context(), id)
		require.NoError(t, err)
		w.cluster.PutRole(faketeleport.Role{Name: "own", PluginData: true})
		pass(2 * time.Minute)
		_, err = clt.Request(t.Context(), id)
		require.Equal(t, access.Permanent, access.ClassOf(err))
		require.NotErrorIs(t, err, access.ErrNotFound)
	})
}

func TestNewRightToReviewChangesTheMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
		clt := w.connect()
		mode, _ := clt.ReviewMode()
		require.Equal(t, access.ModeState, mode)
		w.cluster.PutUser(faketeleport.User{Name: bot, Roles: []string{faketeleport.RolePluginReviewer}})
		pass(2 * time.Minute)
		for _, err := range clt.Requests(t.Context()) {
			require.NoError(t, err)
		}
		mode, _ = clt.ReviewMode()
		require.Equal(t, access.ModeReview, mode)
		require.Equal(t, 2, w.log.count("review mode chosen"))
	})
}

// TestRoleEditedWhileRunningTakesEffectWithTheNextDecision: nobody waits for the
// next resync.
func TestRoleEditedWhileRunningTakesEffectWithTheNextDecision(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after string
		mode          access.ReviewMode
		want          access.Result
	}{
		"right to review added":   {faketeleport.RoleAccessPlugin, faketeleport.RolePluginReviewer, access.ModeReview, access.Submitted},
		"right to update added":   {faketeleport.RoleAccessPlugin, faketeleport.RoleAccessPluginWithUpdate, access.ModeState, access.Submitted},
		"nothing that would help": {faketeleport.RoleAccessPlugin, faketeleport.RoleAccessPlugin, access.ModeState, access.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faketeleport.Config{}, tc.before)
			clt := w.connect()
			id := w.request("alice", faketeleport.RequestOptions{})
			w.cluster.PutUser(faketeleport.User{Name: bot, Roles: []string{tc.after}})
			out, err := clt.Decide(t.Context(), decision(id, access.Approved))
			require.NoError(t, err)
			require.Equal(t, tc.want, out.Result, out.Detail)
			require.Equal(t, tc.mode, out.Mode)
		})
	}
}

// TestSecondFactorIsNamedWithItsRemedy: clusters that enforce one for
// administrative actions refuse identities that a person signed remotely.
func TestSecondFactorIsNamedWithItsRemedy(t *testing.T) {
	for _, role := range []string{faketeleport.RolePluginReviewer, faketeleport.RoleAccessPluginWithUpdate} {
		w := newWorld(t, faketeleport.Config{AdminActionMFA: true}, role)
		clt := w.connect()
		out, err := clt.Decide(t.Context(), decision(w.request("alice", faketeleport.RequestOptions{}), access.Approved))
		require.NoError(t, err)
		require.Equal(t, access.NotAllowed, out.Result)
		require.Contains(t, out.Detail, "tbot")
		require.NotContains(t, out.Detail, "allow.", "no rule would help")
	}
}

func TestPreflightReportsWhyItCannotConnect(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster faketeleport.Config
		change  func(*world)
		want    string
		detail  string
		fix     string
	}{
		"nobody answers": {change: func(w *world) { w.server.Stop() }, want: "address", detail: "connect to memory"},
		"no identity":    {change: func(w *world) { w.cfg.Identity += ".missing" }, want: "identity", detail: "identity.missing"},
		"expired identity": {
			change: func(w *world) { require.NoError(w.t, w.cluster.WriteIdentityFile(w.cfg.Identity, bot, -time.Hour)) },
			want:   "identity", detail: "expired at",
		},
		"identity of another cluster": {
			change: func(w *world) {
				other, err := faketeleport.New(faketeleport.Config{})
				require.NoError(w.t, err)
				w.t.Cleanup(other.Close)
				require.NoError(w.t, other.WriteIdentityFile(w.cfg.Identity, bot, time.Hour))
			},
			want: "address", detail: "certificate",
		},
		"old cluster": {cluster: faketeleport.Config{Version: "12.4.1"}, want: "version", detail: "12.4.1"},
		"user locked": {
			change: func(w *world) { w.cluster.LockUser(bot) }, want: "address",
			detail: `lock targeting User:"jira-bot" is in force`, fix: "tctl get locks",
		},
		"user deleted": {change: func(w *world) { w.cluster.DeleteUser(bot) }, want: "address", detail: bot},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.cluster)
			if tc.change != nil {
				tc.change(w)
			}
			findings := teleport.Preflight(t.Context(), w.cfg, w.deps())
			requireSkipped(t, findings[1:])
			require.Equal(t, preflight.Failure, findings[0].Level)
			require.Equal(t, tc.want, findings[0].Name, findings[0].Detail)
			require.Contains(t, findings[0].Detail, tc.detail)
			require.NotEmpty(t, findings[0].Fix)
			require.Contains(t, findings[0].Fix, tc.fix)
		})
	}
}

// requireSkipped: what can't be checked is named, not left out.
func requireSkipped(t *testing.T, findings []preflight.Finding) {
	t.Helper()
	require.NotEmpty(t, findings)
	for _, f := range findings {
		require.Equal(t, preflight.Skipped, f.Level, "%v", f)
	}
}

func TestPreflightChecksEverything(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	w.cfg.RefreshIdentity = true
	findings := teleport.Preflight(t.Context(), w.cfg, w.deps())
	require.GreaterOrEqual(t, len(findings), 7)
	for _, f := range findings {
		require.Equal(t, preflight.OK, f.Level, f.Name)
	}
}
