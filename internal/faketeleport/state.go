package faketeleport

import (
	"slices"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// SetState sets the request's state as an administrator with tctl does: no
// threshold and no ban on one's own request apply. A denial overwrites an
// approval and a promotion; a denied request stays denied, which is
// BadParameter.
func (c *Cluster) SetState(who, id string, state types.RequestState, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setStateLocked(types.AccessRequestUpdate{RequestID: id, State: state, Reason: reason}, AuditEvent{User: who})
}

// setStateFor is the API's SetAccessRequestState.
func (c *Cluster) setStateFor(caller, delegator string, update types.AccessRequestUpdate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.UpdateRequests }) {
		return denied(types.KindAccessRequest, types.VerbUpdate)
	}
	if c.cfg.AdminActionMFA {
		return errAdminActionMFA()
	}
	return c.setStateLocked(update, AuditEvent{User: caller, Delegator: delegator})
}

func (c *Cluster) setStateLocked(update types.AccessRequestUpdate, ev AuditEvent) error {
	if err := update.Check(); err != nil {
		return trace.Wrap(err)
	}
	stored, err := c.getLocked(update.RequestID)
	if err != nil {
		return trace.NotFound("cannot set state of access request %q (not found)", update.RequestID)
	}
	if update.State.IsPromoted() {
		return errPromotion()
	}
	if update.State.IsApproved() && stored.GetRequestKind().IsLongTerm() {
		return errLongTerm(stored.GetName())
	}
	if len(update.Reason) > maxReason {
		return errReason("access request resolve reason")
	}
	req := clone(stored)
	if err := req.SetState(update.State); err != nil {
		return trace.Wrap(err)
	}
	if err := subselect(req, update.Roles); err != nil {
		return err
	}
	req.SetResolveReason(update.Reason)
	req.SetResolveAnnotations(update.Annotations)
	if err := req.CheckAndSetDefaults(); err != nil {
		return trace.Wrap(err) // such as a reason for a pending request
	}
	if update.State.IsApproved() {
		req.SetExpiry(req.GetAccessExpiry())
		if update.AssumeStartTime != nil {
			req.SetAssumeStartTime(*update.AssumeStartTime)
		}
	}
	c.storeLocked(req)
	ev.Type, ev.RequestID, ev.Reason = AuditUpdate, req.GetName(), update.Reason
	ev.Proposed, ev.State = update.State, req.GetState()
	c.record(ev)
	return nil
}

// subselect narrows an approval to some of the requested roles.
func subselect(req *types.AccessRequestV3, roles []string) error {
	if len(roles) == 0 {
		return nil
	}
	for _, role := range roles {
		if !slices.Contains(req.GetOriginalRoles(), role) {
			return trace.BadParameter("role %q is not in original request, overrides must be a subset of original role list", role)
		}
	}
	req.SetRoles(slices.Clone(roles))
	return nil
}

// Promote turns the pending request into a membership of the named access
// list, as a reviewer does in the web UI.
func (c *Cluster) Promote(who, id, accessList string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, err := c.getLocked(id)
	if err != nil {
		return err
	}
	if !stored.GetState().IsPending() {
		return trace.AccessDenied("the access request has been already settled")
	}
	req := clone(stored)
	if err := req.SetState(types.RequestState_PROMOTED); err != nil {
		return trace.Wrap(err)
	}
	req.SetReviews(append(req.GetReviews(), types.AccessReview{
		Author:        who,
		ProposedState: types.RequestState_PROMOTED,
		Created:       time.Now().UTC(),
		AccessList:    &types.PromotedAccessList{Name: accessList, Title: accessList},
	}))
	req.SetPromotedAccessListName(accessList)
	req.SetPromotedAccessListTitle(accessList)
	c.storeLocked(req)
	c.record(AuditEvent{
		Type: AuditReview, RequestID: id, User: who,
		Proposed: types.RequestState_PROMOTED, State: types.RequestState_PROMOTED,
	})
	return nil
}
