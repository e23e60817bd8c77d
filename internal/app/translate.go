package app

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/teleport"
)

// monitoringOff is the value of teleport.access_monitoring_rules that ignores them.
const monitoringOff = "off"

// teleportConfig translates the configuration for the Teleport adapter.
func teleportConfig(c *config.Config) teleport.Config {
	t := c.Teleport
	return teleport.Config{
		Addr: t.Addr, Identity: t.Identity,
		ClientKey: t.ClientKey, ClientCrt: t.ClientCrt, RootCAs: t.RootCAs, CAFile: t.CAFile,
		RefreshIdentity: t.RefreshIdentity, RefreshInterval: t.RefreshIdentityInterval,
		ReviewMode:      access.ReviewMode(c.Review.Mode),
		MonitoringRules: t.AccessMonitoringRules != monitoringOff,
		RulesInterval:   c.Reconcile.ResyncInterval,
		NeedUsers:       c.Review.Identity.UserTrait != "",
		NeedLocks:       len(c.Jira.Statuses.Revoked) > 0 || c.Access.MaxDuration > 0,
	}
}

// jiraSecret is what the daemon logs in to Jira with.
func jiraSecret(c *config.Config) string {
	if c.Jira.OAuth.ClientID != "" {
		return string(c.Jira.OAuth.ClientSecret)
	}
	return string(c.Jira.APIToken)
}

// jiraConfig translates the configuration for the Jira adapter.
func jiraConfig(c *config.Config, token jira.TokenSource) jira.Config {
	j := c.Jira
	var oauth *jira.OAuth
	if j.OAuth.ClientID != "" {
		oauth = &jira.OAuth{ClientID: j.OAuth.ClientID, Secret: token, TokenURL: j.OAuth.TokenURL, Scopes: j.OAuth.Scopes}
	}
	return jira.Config{
		URL: j.URL, Username: j.Username, Token: token, OAuth: oauth, EarlierAccounts: j.EarlierAccounts,
		Deployment: jira.Deployment(j.Deployment), CAFile: j.CAFile,
		Projects:          projects(c),
		Decisive:          slices.Concat([]string(j.Statuses.Approved), []string(j.Statuses.Denied), []string(j.Statuses.Expired), []string(j.Statuses.Ended), []string(j.Statuses.Revoked)),
		CommentVisibility: jira.Visibility(j.Issue.CommentVisibility),
		Issue: jira.IssueConfig{
			Summary: j.Issue.Summary, Description: j.Issue.Description,
			Labels: j.Issue.Labels, Components: j.Issue.Components, Priority: j.Issue.Priority,
			Assignee: j.Issue.Assignee, Reporter: jira.Reporter(j.Issue.Reporter), Fields: j.Fields,
		},
		Concurrency: j.Concurrency, RequestsPerSecond: j.RequestsPerSecond,
	}
}

// expect returns what the configuration relies on in Jira.
func expect(c *config.Config) jira.Expect {
	s := policy(c, "")
	out := jira.Expect{
		Statuses: s.Statuses, Recognise: !s.Review.AllowSelfApproval,
		Addresses: addresses(c), TrustEmail: s.Review.TrustEmail,
	}
	routes := append([]plan.Route{s.Default}, s.Routes...)
	for _, r := range routes {
		t := jira.Target{Project: cmp.Or(r.Project, s.Default.Project), IssueType: cmp.Or(r.IssueType, s.Default.IssueType)}
		if !r.Skip && !slices.Contains(out.Targets, t) {
			out.Targets = append(out.Targets, t)
		}
	}
	return out
}

// addresses returns the settings that name people by their e-mail addresses.
func addresses(c *config.Config) []string {
	var out []string
	isAddress := func(handle string) bool { return access.ParseHandle(handle).Kind == access.HandleEmail }
	if slices.ContainsFunc(c.Review.Approvers, isAddress) {
		out = append(out, "addresses in review.approvers")
	}
	for i, r := range c.Jira.Routes {
		if slices.ContainsFunc(r.Approvers, isAddress) {
			out = append(out, fmt.Sprintf("addresses in jira.routes[%d].approvers", i))
		}
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(c.Review.Users)), isAddress) {
		out = append(out, "addresses in review.users")
	}
	if c.Review.Identity.MatchEmail {
		out = append(out, "review.identity.match_email")
	}
	return out
}

// projects returns the keys of all projects that issues may be created in.
func projects(c *config.Config) []string {
	keys := []string{c.Jira.Project}
	for _, r := range c.Jira.Routes {
		if r.Project != "" && !slices.Contains(keys, r.Project) {
			keys = append(keys, r.Project)
		}
	}
	return keys
}

// reconcileOptions translates the configuration for the reconciler. mode is the
// review mode that the cluster allows.
func reconcileOptions(c *config.Config, mode access.ReviewMode) reconcile.Options {
	return reconcile.Options{
		Policy:         policy(c, mode),
		Workers:        c.Reconcile.Workers,
		ResyncInterval: c.Reconcile.ResyncInterval,
		PollInterval:   c.Reconcile.PollInterval,

		MonitoringRules: c.Teleport.AccessMonitoringRules != monitoringOff,
	}
}

func policy(c *config.Config, mode access.ReviewMode) plan.Policy {
	s := c.Jira.Statuses
	out := plan.Policy{
		Statuses: plan.Statuses{
			access.Pending: s.Pending, access.Approved: s.Approved, access.Denied: s.Denied,
			access.Expired: s.Expired, access.Promoted: s.Promoted,
		},
		Default: plan.Route{Project: c.Jira.Project, IssueType: c.Jira.IssueType},
		Access:  plan.AccessRules{Track: c.Access.Track, MaxDuration: c.Access.MaxDuration},
		Review: plan.ReviewRules{
			Mode:              mode,
			AllowSelfApproval: c.Review.AllowSelfApproval,
			Approvers:         c.Review.Approvers,
			Denied:            c.Review.Denied,
			ApproverGroups:    c.Review.ApproverGroups,
			IdentityRequired:  c.Review.Identity.Required,
			RequireSuggested:  c.Review.RequireSuggestedReviewer,
			RequireReason:     c.Review.RequireReason,
			MaxDecisionAge:    c.Review.MaxDecisionAge,
			Users:             c.Review.Users,
			UserTrait:         c.Review.Identity.UserTrait,
			MatchEmail:        c.Review.Identity.MatchEmail,
			TrustEmail:        c.Review.Identity.TrustEmail,
		},
	}
	if len(s.Ended) > 0 {
		out.Statuses[access.Ended] = s.Ended
	}
	if len(s.Revoked) > 0 {
		out.Statuses[access.Revoked] = s.Revoked
	}
	out.IgnoreMonitoring = c.Teleport.AccessMonitoringRules == monitoringOff
	if name := c.Teleport.PluginName; name != plan.DefaultPlugin {
		out.Plugin = name
	}
	for _, r := range c.Jira.Routes {
		route := plan.Route{
			Roles: r.Roles, Annotations: map[string][]string{},
			Project: r.Project, IssueType: r.IssueType, Labels: r.Labels, Skip: r.Skip,
			Approvers: plan.Approvers{Names: r.Approvers, Groups: r.ApproverGroups},
		}
		for key, values := range r.Annotations {
			route.Annotations[key] = values
		}
		out.Routes = append(out.Routes, route)
	}
	return out
}
