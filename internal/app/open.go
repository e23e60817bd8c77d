package app

import (
	"fmt"
	"maps"
	"slices"

	"teleport-jira/internal/config"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/preflight"
)

// openRules returns a warning for each thing that the configured rules for
// deciding leave open. They are legitimate choices, so that they are no faults
// of the configuration; whoever made them should know what they mean.
func openRules(cfg *config.Config) []preflight.Finding {
	var open []preflight.Finding
	warn := func(key, detail, fix string) {
		open = append(open, preflight.Finding{
			Area: "configuration", Name: key, Level: preflight.Warning, Detail: detail, Fix: fix,
		})
	}
	r := cfg.Review
	if !r.Identity.Required {
		warn("review.identity.required", "false: accounts that no Teleport user is known for decide, too, and requesters whom Jira shows under another name are not recognised",
			"set review.identity.user_trait, review.identity.match_email or [review.users]")
	}
	if r.RequireSuggestedReviewer && len(r.Approvers) == 0 && len(r.ApproverGroups) == 0 {
		warn("review.require_suggested_reviewer", "the only rule about who may decide, and no authorisation: whoever requests names the reviewers",
			"set review.approvers or review.approver_groups, too")
	}
	hidden := plan.HiddenRoutes(policy(cfg, "").Routes)
	for _, i := range slices.Sorted(maps.Keys(hidden)) {
		warn(fmt.Sprintf("jira.routes[%d]", i), fmt.Sprintf("no request gets here: jira.routes[%d] takes all that it matches", hidden[i]),
			"put the narrower route first")
	}
	return open
}
