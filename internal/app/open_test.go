package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
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
