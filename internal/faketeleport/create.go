package faketeleport

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/types/wrappers"
	"github.com/gravitational/trace"
)

// How long a request lives that does not say so: pending ones, and the access
// they ask for, which ends with the requester's certificate.
const (
	defaultPendingTTL = time.Hour
	defaultAccessTTL  = 12 * time.Hour
)

// RequestOptions are the less usual facts of a request. Zero values mean the
// usual: a new UUID, what the requester's roles say, or nothing.
type RequestOptions struct {
	ID                 string
	PendingTTL         time.Duration // until it vanishes undecided; 1 hour, never longer than AccessTTL
	AccessTTL          time.Duration // until the access would end; 12 hours
	SessionTTL         time.Duration
	MaxDuration        time.Duration
	AssumeStart        time.Duration // from now; 0 means at once
	Thresholds         []types.AccessReviewThreshold
	SuggestedReviewers []string
	Annotations        map[string][]string // system annotations
	Resources          []types.ResourceID
	LoginHint          string
	LongTerm           bool // can be promoted or denied, not approved
}

// CreateRequest makes a pending request, as the user's own tsh would, and
// returns it. It checks no rights, and adds the user if the cluster does not
// have it. AlreadyExists when the id is taken, BadParameter when the request
// asks for nothing.
func (c *Cluster) CreateRequest(user string, roles []string, reason string, opts RequestOptions) (*types.AccessRequestV3, error) {
	id := opts.ID
	if id == "" {
		id = uuid.NewString()
	}
	res, err := types.NewAccessRequestWithResources(id, user, roles, opts.Resources)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	req, ok := res.(*types.AccessRequestV3)
	if !ok {
		return nil, trace.BadParameter("request of unexpected type %T", res)
	}
	opts.apply(req, reason)
	req = clone(req) // shares nothing with the options
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.users[user]; !known {
		c.users[user] = User{Name: user}
	}
	if err := c.createLocked(req); err != nil {
		return nil, err
	}
	return clone(req), nil
}

func (o RequestOptions) apply(req *types.AccessRequestV3, reason string) {
	now := time.Now()
	accessTTL := orDefault(o.AccessTTL, defaultAccessTTL)
	req.SetAccessExpiry(now.Add(accessTTL))
	req.SetExpiry(now.Add(min(orDefault(o.PendingTTL, defaultPendingTTL), accessTTL)))
	req.SetSessionTLL(now.Add(orDefault(o.SessionTTL, accessTTL)))
	req.SetMaxDuration(now.Add(orDefault(o.MaxDuration, accessTTL)))
	if o.AssumeStart > 0 {
		req.SetAssumeStartTime(now.Add(o.AssumeStart).UTC())
	}
	req.SetRequestReason(reason)
	req.SetThresholds(slices.Clone(o.Thresholds))
	req.SetSuggestedReviewers(slices.Clone(o.SuggestedReviewers))
	if len(o.Annotations) > 0 {
		req.SetSystemAnnotations(o.Annotations)
	}
	req.SetLoginHint(o.LoginHint)
	if o.LongTerm {
		req.SetRequestKind(types.AccessRequestKind_LONG_TERM)
	}
}

// createFor makes the request that a caller sent over the API. What only the
// server may say in it is dropped.
func (c *Cluster) createFor(caller string, sent *types.AccessRequestV3) (*types.AccessRequestV3, error) {
	req := clone(sent)
	req.SetName(uuid.NewString())
	if err := req.CheckAndSetDefaults(); err != nil {
		return nil, trace.Wrap(err)
	}
	if !req.GetState().IsPending() {
		return nil, trace.BadParameter("cannot create access request in state %v", req.GetState())
	}
	now := time.Now()
	opts := RequestOptions{SuggestedReviewers: req.GetSuggestedReviewers(), LoginHint: req.GetLoginHint()}
	opts.AccessTTL = until(now, req.GetAccessExpiry())
	opts.PendingTTL = until(now, req.Expiry())
	opts.SessionTTL = until(now, req.GetSessionTLL())
	opts.MaxDuration = until(now, req.GetMaxDuration())
	opts.LongTerm = req.GetRequestKind().IsLongTerm()
	if start := req.GetAssumeStartTime(); start != nil {
		opts.AssumeStart = until(now, *start)
	}
	req.SetReviews(nil)
	req.SetRoleThresholdMapping(nil)
	req.SetSystemAnnotations(nil)
	opts.apply(req, req.GetRequestReason())

	c.mu.Lock()
	defer c.mu.Unlock()
	if req.GetUser() != caller {
		return nil, trace.AccessDenied("user %q cannot create access requests for %q", caller, req.GetUser())
	}
	for _, role := range req.GetRoles() {
		if !c.may(caller, func(r Role) bool { return matches(r.RequestRoles, role) }) {
			return nil, trace.BadParameter("user %q can not request role %q", caller, role)
		}
	}
	if err := c.createLocked(req); err != nil {
		return nil, err
	}
	return req, nil
}

// createLocked completes req with what the requester's roles say, and stores it.
func (c *Cluster) createLocked(req *types.AccessRequestV3) error {
	if c.closed {
		return errClusterClosed
	}
	if len(req.GetRequestReason()) > maxReason {
		return errReason("access request reason")
	}
	if _, taken := c.requests[req.GetName()]; taken {
		return trace.AlreadyExists("access request %q already exists", req.GetName())
	}
	req.SetCreationTime(time.Now())
	for _, role := range c.rolesOf(req.GetUser()) {
		addRoleTerms(req, role)
	}
	if len(req.GetThresholds()) == 0 {
		req.SetThresholds([]types.AccessReviewThreshold{{Name: "default", Approve: 1, Deny: 1}})
	}
	all := types.ThresholdIndexSet{}
	for i := range req.GetThresholds() {
		all.Indexes = append(all.Indexes, uint32(i))
	}
	mapping := map[string]types.ThresholdIndexSets{}
	for _, role := range req.GetRoles() {
		mapping[role] = types.ThresholdIndexSets{Sets: []types.ThresholdIndexSet{all}}
	}
	req.SetRoleThresholdMapping(mapping)
	c.storeLocked(req)
	c.record(AuditEvent{
		Type: AuditCreate, RequestID: req.GetName(), User: req.GetUser(),
		State: req.GetState(), Reason: req.GetRequestReason(),
	})
	return nil
}

// addRoleTerms adds a role's terms to a request that does not bring its own.
func addRoleTerms(req *types.AccessRequestV3, role Role) {
	if len(req.GetThresholds()) == 0 {
		req.SetThresholds(slices.Clone(role.Thresholds))
	}
	if len(req.GetSuggestedReviewers()) == 0 {
		req.SetSuggestedReviewers(slices.Clone(role.SuggestedReviewers))
	}
	if len(role.Annotations) == 0 {
		return
	}
	annotations := wrappers.Traits{}
	for key, values := range req.GetSystemAnnotations() {
		annotations[key] = values
	}
	for key, values := range role.Annotations {
		if _, given := annotations[key]; !given {
			annotations[key] = slices.Clone(values)
		}
	}
	req.SetSystemAnnotations(annotations)
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// until is the time left, or 0 where t is not set or has passed.
func until(now, t time.Time) time.Duration {
	if t.IsZero() || t.Before(now) {
		return 0
	}
	return t.Sub(now)
}
