package faketeleport

import (
	"maps"
	"path"
	"slices"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/types/wrappers"
	"github.com/gravitational/trace"
)

// Names of the roles that every new cluster has.
const (
	// RoleAccessPlugin may list and read requests and keep plugin data, as the
	// preset role of that name: neither review nor set states.
	RoleAccessPlugin = "access-plugin"
	// RoleAccessPluginWithReview may also submit reviews for any user where the
	// server knows that, as the preset of newer servers: none of its own.
	RoleAccessPluginWithReview = "access-plugin-with-review"
	// RolePluginReviewer may also review any request in its own name. It is no
	// preset: administrators make such a role for the daemon.
	RolePluginReviewer = "plugin-reviewer"
	// RoleAccessPluginWithUpdate may also set the state of any request.
	RoleAccessPluginWithUpdate = "access-plugin-with-update"
	// RoleReviewer may review any request, as a person does.
	RoleReviewer = "reviewer"
	// RoleRequester may request any role.
	RoleRequester = "requester"
)

// Role holds its holders' rights. Lists of names may hold globs such as "*".
type Role struct {
	Name            string
	ListRequests    bool     // access_request: list and read, which includes watching
	ListWhere       string   // the condition of that rule
	UpdateRequests  bool     // access_request: update
	DeleteRequests  bool     // access_request: delete
	PluginData      bool     // access_plugin_data: list, read and update
	ReviewRequests  []string // allow.review_requests.roles: requested roles that may be reviewed
	SubmitForUsers  []string // allow.review_requests.submit_for_users: authors to submit for
	CreateLocks     bool     // lock: create
	UpdateLocks     bool     // lock: update
	ReadUsers       bool     // user: list and read, with traits
	MonitoringRules bool     // access_monitoring_rule: list and read, which includes watching
	ReadRoles       bool     // role: list and read; holders may always read their own
	ListResources   []string // resource kinds: node, app, db, kube_cluster, user_group …
	RequestRoles    []string // allow.request.roles: what holders may request over the API

	// Thresholds, Annotations and SuggestedReviewers go into the requests that
	// holders make.
	Thresholds         []types.AccessReviewThreshold
	Annotations        map[string][]string
	SuggestedReviewers []string
}

// User is a Teleport user. A certificate for a user that the cluster does not
// have is refused in every call.
type User struct {
	Name   string
	Roles  []string
	Traits map[string][]string
}

// Presets are the roles of a new cluster, under the Role constants' names.
func Presets() []Role {
	plugin := Role{Name: RoleAccessPlugin, ListRequests: true, PluginData: true}
	review, update := plugin, plugin
	review.Name = RoleAccessPluginWithReview
	review.SubmitForUsers = []string{"*"}
	reviewer := review
	reviewer.Name = RolePluginReviewer
	reviewer.ReviewRequests = []string{"*"}
	update.Name = RoleAccessPluginWithUpdate
	update.UpdateRequests = true
	return []Role{
		plugin, review, reviewer, update,
		{Name: RoleReviewer, ReviewRequests: []string{"*"}},
		{Name: RoleRequester, RequestRoles: []string{"*"}},
		{Name: RoleMonitoringRules, MonitoringRules: true},
	}
}

// PutRole adds or replaces a role. It takes effect with the next call. The
// role's lists must not be changed afterwards.
func (c *Cluster) PutRole(r Role) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roles[r.Name] = r
}

// PutUser adds or replaces a user. It takes effect with the next call. Roles
// that do not exist give no rights. The user's lists must not be changed
// afterwards.
func (c *Cluster) PutUser(u User) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[u.Name] = u
}

// DeleteUser removes a user; its requests and reviews stay.
func (c *Cluster) DeleteUser(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.users, name)
}

// rolesOf are the user's existing roles. The lock is held.
func (c *Cluster) rolesOf(user string) []Role {
	var out []Role
	for _, name := range c.users[user].Roles {
		if r, ok := c.roles[name]; ok {
			out = append(out, r)
		}
	}
	return out
}

// may reports whether any of the user's roles allows it. The lock is held.
func (c *Cluster) may(user string, allows func(Role) bool) bool {
	return slices.ContainsFunc(c.rolesOf(user), allows)
}

// mayReviewAny reports whether the user has any right to review; canReview
// whether it covers all roles of this request. The lock is held.
func (c *Cluster) mayReviewAny(user string) bool {
	return !c.cfg.Community && c.may(user, func(r Role) bool { return len(r.ReviewRequests) > 0 })
}

func (c *Cluster) canReview(user string, req *types.AccessRequestV3) bool {
	return c.mayReviewAny(user) && !slices.ContainsFunc(req.GetOriginalRoles(), func(role string) bool {
		return !c.may(user, func(r Role) bool { return matches(r.ReviewRequests, role) })
	})
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == "*" || p == name || (err == nil && ok)
	})
}

// resource is the role as the API shows it.
func (r Role) resource() (*types.RoleV6, error) {
	var rules []types.Rule
	add := func(given bool, kind string, verbs ...string) {
		if given {
			rules = append(rules, types.NewRule(kind, verbs))
		}
	}
	requestVerbs := r.requestVerbs()
	add(len(requestVerbs) > 0, types.KindAccessRequest, requestVerbs...)
	if r.ListWhere != "" && len(rules) > 0 {
		rules[0].Where = r.ListWhere
	}
	add(r.PluginData, types.KindAccessPluginData, types.VerbList, types.VerbRead, types.VerbUpdate)
	add(r.CreateLocks, types.KindLock, types.VerbCreate)
	add(r.UpdateLocks, types.KindLock, types.VerbUpdate)
	add(r.ReadUsers, types.KindUser, types.VerbList, types.VerbRead)
	add(r.MonitoringRules, types.KindAccessMonitoringRule, types.VerbList, types.VerbRead)
	add(r.ReadRoles, types.KindRole, types.VerbList, types.VerbRead)
	for _, kind := range r.ListResources {
		add(true, kind, types.VerbList, types.VerbRead)
	}
	allow := types.RoleConditions{Rules: rules}
	if len(r.ReviewRequests) > 0 {
		allow.ReviewRequests = &types.AccessReviewConditions{Roles: r.ReviewRequests}
	}
	if len(r.RequestRoles) > 0 || len(r.Thresholds) > 0 {
		allow.Request = &types.AccessRequestConditions{
			Roles:              r.RequestRoles,
			Thresholds:         r.Thresholds,
			Annotations:        wrappers.Traits(maps.Clone(r.Annotations)),
			SuggestedReviewers: r.SuggestedReviewers,
		}
	}
	role, err := types.NewRole(r.Name, types.RoleSpecV6{Allow: allow})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	v6, ok := role.(*types.RoleV6)
	if !ok {
		return nil, trace.BadParameter("role of unexpected type %T", role)
	}
	return v6, nil
}

func (r Role) requestVerbs() []string {
	var verbs []string
	if r.ListRequests {
		verbs = append(verbs, types.VerbList, types.VerbRead)
	}
	if r.UpdateRequests {
		verbs = append(verbs, types.VerbUpdate)
	}
	if r.DeleteRequests {
		verbs = append(verbs, types.VerbDelete)
	}
	return verbs
}
