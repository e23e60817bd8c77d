package teleport

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

// rightsTTL is how long the rights that were read are used without asking
// again.
const rightsTTL = time.Minute

// grant is whether the roles allow something. The order matters: min and max
// combine grants.
type grant int

const (
	denied      grant = iota
	conditional       // allowed or denied under a condition ("where")
	allowed
)

// rights are what the daemon's own roles allow. They are computed from the
// roles, which the Auth Service shows to everyone who holds them, because
// trying a call proves nothing: without the right to list, a list returns the
// caller's own requests and no error.
type rights struct {
	known      bool  // false when the server does not show the roles
	requests   grant // list and read Access Requests
	pluginData grant
	update     grant // set the state of Access Requests
	users      grant
	locks      grant // create and update locks
	review     bool
	// reviewGranted: a role allows reviews, also where another denies them all.
	reviewGranted bool
}

// missingFor says which right is known to be missing for decisions in the mode;
// "" when none is.
func (r rights) missingFor(mode access.ReviewMode) string {
	switch {
	case mode == access.ModeState && r.known && r.update == denied:
		return "the daemon's roles may not set the state of requests"
	case mode == access.ModeReview && r.known && !r.review:
		return "the daemon's roles may not review requests"
	}
	return ""
}

// rightsOf computes the rights of a user that holds the roles. Teleport allows
// what any role allows unless any role denies it.
func rightsOf(roles []types.Role) rights {
	listAndRead := func(kind string) grant {
		return min(grantFor(roles, kind, types.VerbList), grantFor(roles, kind, types.VerbRead))
	}
	requests, update := listAndRead(types.KindAccessRequest), grantFor(roles, types.KindAccessRequest, types.VerbUpdate)
	// For the sake of older roles the server derives rights to plugin data from
	// the same rights to requests.
	return rights{
		known:    true,
		requests: requests,
		update:   update,
		users:    listAndRead(types.KindUser),
		locks:    min(grantFor(roles, types.KindLock, types.VerbCreate), grantFor(roles, types.KindLock, types.VerbUpdate)),
		pluginData: min(
			max(requests, listAndRead(types.KindAccessPluginData)),
			max(update, grantFor(roles, types.KindAccessPluginData, types.VerbUpdate)),
		),
		review:        canReview(roles),
		reviewGranted: slices.ContainsFunc(roles, grantsReview),
	}
}

// grantFor evaluates the roles' allow and deny rules for the verb on the kind.
func grantFor(roles []types.Role, kind, verb string) grant {
	best := denied
	for _, role := range roles {
		best = max(best, matchRules(role.GetRules(types.Allow), kind, verb))
	}
	for _, role := range roles {
		switch matchRules(role.GetRules(types.Deny), kind, verb) {
		case allowed: // the deny rule applies without a condition
			return denied
		case conditional:
			best = min(best, conditional)
		case denied:
		}
	}
	return best
}

// matchRules returns allowed when a rule without a condition names the verb on
// the kind, conditional when only rules with one do, and denied otherwise.
func matchRules(rules []types.Rule, kind, verb string) grant {
	best := denied
	for _, rule := range rules {
		if !rule.HasResource(kind) && !rule.HasResource(types.Wildcard) {
			continue
		}
		if !rule.HasVerb(verb) && !rule.HasVerb(types.Wildcard) {
			continue
		}
		if rule.Where == "" {
			return allowed
		}
		best = conditional
	}
	return best
}

// canReview reports whether a role lets its holder review any request at all;
// which ones depends on each request. A role that denies the review of all
// roles denies all requests.
func canReview(roles []types.Role) bool {
	if slices.ContainsFunc(roles, func(role types.Role) bool {
		return slices.Contains(role.GetAccessReviewConditions(types.Deny).Roles, types.Wildcard)
	}) {
		return false
	}
	return slices.ContainsFunc(roles, grantsReview)
}

// grantsReview reports whether the role allows the review of any request.
func grantsReview(role types.Role) bool {
	conditions := role.GetAccessReviewConditions(types.Allow)
	return len(conditions.Roles) > 0 || len(conditions.ClaimsToRoles) > 0
}

// readRights reads the daemon's roles and caches its rights. A server that does
// not show the roles leaves the rights unknown, which is no error.
func (c *Client) readRights(ctx context.Context, a api) (rights, error) {
	roles, err := callOver(ctx, c.metrics, a, methodRoles(), "",
		func(ctx context.Context, a api) ([]types.Role, error) { return a.GetCurrentUserRoles(ctx) })
	var own rights
	switch {
	case err == nil:
		own = rightsOf(roles)
	case trace.IsAccessDenied(err), trace.IsNotImplemented(err), trace.IsNotFound(err):
	default:
		return rights{}, err
	}
	c.rights.Put(struct{}{}, own)
	return own, nil
}

// errOwnRequestsOnly: the server shows the daemon its own requests only.
var errOwnRequestsOnly = errors.New(`the daemon's roles may not list and read Access Requests, so it is shown its own only: ` +
	permRequests().String())

// requireListing fails when the daemon's roles do not show it other users'
// requests. Otherwise every request would look deleted, and their issues would
// be closed.
func (c *Client) requireListing(ctx context.Context, m method, key string) error {
	own, ok := c.rights.Get(struct{}{})
	if !ok {
		conn, err := c.acquire()
		if err != nil {
			return &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: err}
		}
		defer conn.release()
		if own, err = c.readRights(ctx, conn.api); err != nil {
			return err
		}
		// Roles are edited while the daemon runs, and no stream ends because of it.
		now := *c.cluster.Load()
		now.own = own
		c.setCluster(now)
	}
	if own.known && own.requests == denied {
		return &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: errOwnRequestsOnly}
	}
	return nil
}
