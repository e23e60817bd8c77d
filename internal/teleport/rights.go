package teleport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

// rightsFor is how long what was read of the roles is taken for true.
const rightsFor = time.Minute

// grant says whether something is allowed.
type grant int

const (
	refused grant = iota
	limited       // allowed or denied under a condition ("where")
	granted
)

// rights is what the daemon's own roles allow. The Auth Service lets every
// user read the roles it holds, so that they are read, and not tried out: a
// list without the right to list answers the caller's own requests and no
// error.
type rights struct {
	known    bool // false when the server does not answer with the roles
	requests grant
	data     grant
	update   grant
	users    grant
	review   bool
}

// lack is what is known to be missing for decisions in the mode; "" when nothing
// is.
func (r rights) lack(mode access.ReviewMode) string {
	switch {
	case mode == access.ModeState && r.known && r.update == refused:
		return "the daemon's roles may not set the state of requests"
	case mode == access.ModeReview && r.known && !r.review:
		return "the daemon's roles may not review requests"
	}
	return ""
}

// rightsOf computes the rights of a user that holds the roles. Teleport grants
// what any role allows unless any role denies it.
func rightsOf(roles []types.Role) rights {
	both := func(kind string) grant {
		return min(may(roles, kind, types.VerbList), may(roles, kind, types.VerbRead))
	}
	requests, update := both(types.KindAccessRequest), may(roles, types.KindAccessRequest, types.VerbUpdate)
	// For older roles the server takes rights to requests for the same rights
	// to their plugin data.
	return rights{
		known:    true,
		requests: requests,
		update:   update,
		users:    both(types.KindUser),
		data: min(
			max(requests, both(types.KindAccessPluginData)),
			max(update, may(roles, types.KindAccessPluginData, types.VerbUpdate)),
		),
		review: mayReview(roles),
	}
}

// may tells whether the roles allow the verb on the kind.
func may(roles []types.Role, kind, verb string) grant {
	best := refused
	for _, role := range roles {
		best = max(best, covers(role.GetRules(types.Allow), kind, verb))
	}
	for _, role := range roles {
		switch covers(role.GetRules(types.Deny), kind, verb) {
		case granted:
			return refused
		case limited:
			best = min(best, limited)
		case refused:
		}
	}
	return best
}

// covers tells whether one of the rules speaks of the verb on the kind.
func covers(rules []types.Rule, kind, verb string) grant {
	best := refused
	for _, rule := range rules {
		if !rule.HasResource(kind) && !rule.HasResource(types.Wildcard) {
			continue
		}
		if !rule.HasVerb(verb) && !rule.HasVerb(types.Wildcard) {
			continue
		}
		if rule.Where == "" {
			return granted
		}
		best = limited
	}
	return best
}

// mayReview tells whether a role lets its holder review requests at all. Which
// requests depends on each of them. A role that denies the review of all roles
// takes it from all requests.
func mayReview(roles []types.Role) bool {
	if slices.ContainsFunc(roles, func(role types.Role) bool {
		return slices.Contains(role.GetAccessReviewConditions(types.Deny).Roles, types.Wildcard)
	}) {
		return false
	}
	return slices.ContainsFunc(roles, func(role types.Role) bool {
		allow := role.GetAccessReviewConditions(types.Allow)
		return len(allow.Roles) > 0 || len(allow.ClaimsToRoles) > 0
	})
}

// readRights reads the daemon's roles. Rights that the server does not tell
// are unknown, which is no error.
func (c *Client) readRights(ctx context.Context, conn api) (rights, error) {
	roles, err := callOver(ctx, c.metrics, conn, methodRoles(), "",
		func(ctx context.Context, a api) ([]types.Role, error) { return a.GetCurrentUserRoles(ctx) })
	switch {
	case err == nil:
		own := rightsOf(roles)
		c.rights.put(own)
		return own, nil
	case trace.IsAccessDenied(err), trace.IsNotImplemented(err), trace.IsNotFound(err):
		c.rights.put(rights{})
		return rights{}, nil
	}
	return rights{}, err
}

// errSeesOwnOnly: an absent request proves nothing.
var errSeesOwnOnly = errors.New(`the daemon's roles may not list and read Access Requests, so it is shown its own only: ` +
	needRequests().String())

// seesAll fails when the daemon's roles do not let it see other people's
// requests. Without it every request would seem to be gone, and their issues
// would be closed.
func (c *Client) seesAll(ctx context.Context, m method, key string) error {
	own, fresh := c.rights.get()
	if !fresh {
		l, err := c.hold()
		if err != nil {
			return &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: err}
		}
		defer l.release()
		if own, err = c.readRights(ctx, l.api); err != nil {
			return err
		}
		// Roles are edited while the daemon runs, and no stream ends of it.
		c.settle(*c.cluster.Load(), own)
	}
	if own.known && own.requests == refused {
		return &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: errSeesOwnOnly}
	}
	return nil
}

// rightsCache keeps what was last read of the roles.
type rightsCache struct {
	mu   sync.Mutex
	own  rights
	read time.Time
}

func (r *rightsCache) put(own rights) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own, r.read = own, time.Now()
}

func (r *rightsCache) get() (own rights, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own, !r.read.IsZero() && time.Since(r.read) < rightsFor
}
