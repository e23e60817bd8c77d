package app

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
	"teleport-jira/internal/preflight"
)

// TestOpenRulesAreNamed: what the rules leave open is said, and nothing of rules
// that leave nothing open.
func TestOpenRulesAreNamed(t *testing.T) {
	const mapped, suggested = "review.identity.required", "review.require_suggested_reviewer"
	for name, c := range map[string]struct {
		set  func(r *config.Review)
		want []string
	}{
		"nothing configured": {func(*config.Review) {}, []string{mapped}},
		"mapping required":   {func(r *config.Review) { r.Identity.Required = true }, nil},
		"suggested alone":    {func(r *config.Review) { r.Identity.Required, r.RequireSuggestedReviewer = true, true }, []string{suggested}},
		"suggested, of approvers": {func(r *config.Review) {
			r.Identity.Required, r.RequireSuggestedReviewer, r.Approvers = true, true, []string{"bob"}
		}, nil},
		"suggested, of a group": {func(r *config.Review) {
			r.Identity.Required, r.RequireSuggestedReviewer, r.ApproverGroups = true, true, []string{"g"}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			c.set(&cfg.Review)
			var got []string
			for _, f := range openRules(cfg) {
				got = append(got, f.Name)
				require.NotEmpty(t, f.Fix)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestCheckSaysWhoMayDecide: in words, as the rules come to it.
func TestCheckSaysWhoMayDecide(t *testing.T) {
	for want, rules := range map[string]config.Review{
		"anybody who may move the issue; nobody their own request": {},
		"anybody who may move the issue":                           {AllowSelfApproval: true},
		"id:bob, members of dba; nobody their own request; never id:eve": {
			Approvers: []string{"id:bob"}, ApproverGroups: []string{"dba"}, Denied: []string{"id:eve"},
		},
		"id:bob, if the request suggests them as reviewer, if their account is mapped to a Teleport user; nobody their own request": {
			Approvers: []string{"id:bob"}, RequireSuggestedReviewer: true, Identity: config.ReviewIdentity{Required: true},
		},
	} {
		found := whoDecides(&config.Config{Review: rules})
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].Detail)
		require.Equal(t, preflight.OK, found[0].Level)
	}
	cfg := &config.Config{Review: config.Review{AllowSelfApproval: true}}
	cfg.Jira.Routes = []config.Route{{}, {ApproverGroups: []string{"dba"}}, {Approvers: []string{"id:bob"}, Skip: true}}
	found := whoDecides(cfg)
	require.Len(t, found, 2, "a route without rules of its own has those of [review]")
	require.Equal(t, "who may decide by jira.routes[1]", found[1].Name)
	require.Equal(t, "members of dba", found[1].Detail)
}

func TestCheckByRootNamesTheDaemonsUser(t *testing.T) {
	cfg := config.Default()
	of := func(o CheckOptions) (found []preflight.Finding) {
		for _, f := range o.checkConfig(cfg) {
			if f.Name == "user" {
				found = append(found, f)
			}
		}
		return found
	}
	require.Empty(t, of(CheckOptions{ConfigPath: "x.toml"}))
	found := of(CheckOptions{ConfigPath: "x.toml", DaemonUser: "teleport-jira"})
	require.Len(t, found, 1, "there is no such user here, so that nothing is known")
	require.Equal(t, preflight.Warning, found[0].Level)
	require.Contains(t, found[0].Fix, "sudo -u teleport-jira ")
	require.Contains(t, found[0].Fix, " check -c x.toml")

	cfg.Teleport.Identity = filepath.Join(t.TempDir(), "identity")
	require.NoError(t, os.WriteFile(cfg.Teleport.Identity, nil, 0o600))
	if _, err := user.Lookup("nobody"); err == nil && os.Getuid() == 0 {
		found = of(CheckOptions{ConfigPath: "x.toml", DaemonUser: "nobody"})
		require.Equal(t, preflight.Failure, found[0].Level)
		require.Contains(t, found[0].Detail, cfg.Teleport.Identity)
		found = of(CheckOptions{ConfigPath: "x.toml", DaemonUser: "root"})
		require.Equal(t, preflight.OK, found[0].Level, found[0].Detail)
	}
}
