package faketeleport

import (
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// Review submits a review as the author's own tsh would, under all of the
// server's rules: the author needs the right to review, reviews once, and not
// the own request. It returns the request as it stands afterwards.
func (c *Cluster) Review(author, id string, proposed types.RequestState, reason string) (*types.AccessRequestV3, error) {
	req, err := c.submitReview(author, types.AccessReviewSubmission{
		RequestID: id,
		Review:    types.AccessReview{Author: author, ProposedState: proposed, Reason: reason},
	})
	if err != nil {
		return nil, err
	}
	return clone(req), nil
}

// submitReview is the API's SubmitAccessReview. The answer is the stored
// request, not to be changed.
func (c *Cluster) submitReview(caller string, sub types.AccessReviewSubmission) (*types.AccessRequestV3, error) {
	rev := sub.Review
	wire, err := parseOnBehalf(rev.XXX_unrecognized)
	if err != nil {
		return nil, trace.BadParameter("malformed review: %v", err)
	}
	rev.XXX_unrecognized = nil
	if rev.Author == "" {
		rev.Author = caller
	}
	sub.Review = rev
	if sub.RequestID == "" {
		return nil, trace.BadParameter("missing request ID")
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	submittedBy := ""
	if rev.Author != caller {
		if !c.mayActFor(caller, rev.Author, wire) {
			return nil, trace.AccessDenied("user %q cannot submit reviews on behalf of %q", caller, rev.Author)
		}
		submittedBy = caller
	}
	if !c.mayReviewAny(rev.Author) {
		return nil, trace.AccessDenied("user %q cannot submit reviews", rev.Author)
	}
	return c.applyReviewLocked(sub, submittedBy)
}

// mayActFor: the caller's other conditions on reviews don't matter here, the
// author's own do.
func (c *Cluster) mayActFor(caller, author string, wire onBehalf) bool {
	return c.cfg.OnBehalf && wire.onBehalfOfAuthor && !c.cfg.Community &&
		c.may(caller, func(r Role) bool { return matches(r.SubmitForUsers, author) })
}

func (c *Cluster) applyReviewLocked(sub types.AccessReviewSubmission, submittedBy string) (*types.AccessRequestV3, error) {
	rev := sub.Review
	stored, err := c.getLocked(sub.RequestID)
	if err != nil {
		return nil, trace.NotFound("cannot apply review to access request %q (not found)", sub.RequestID)
	}
	if stored.GetUser() == rev.Author || !c.canReview(rev.Author, stored) {
		return nil, trace.AccessDenied("user %q cannot review request %q", rev.Author, stored.GetName())
	}
	if err := checkReview(stored, rev); err != nil {
		return nil, err
	}
	req := clone(stored)
	rev.Created = time.Now().UTC()
	rev.ThresholdIndexes = nil
	for i, t := range req.GetThresholds() {
		counts, err := c.meetsFilter(t.Filter, rev, req)
		if err != nil {
			return nil, err
		}
		if counts {
			rev.ThresholdIndexes = append(rev.ThresholdIndexes, uint32(i))
		}
	}
	if submittedBy != "" {
		rev.XXX_unrecognized = onBehalf{submittedBy: submittedBy, onBehalfOfAuthor: true}.encode()
	}
	req.SetReviews(append(req.GetReviews(), rev))
	if err := settle(req, rev); err != nil {
		return nil, err
	}
	c.storeLocked(req)
	c.record(AuditEvent{
		Type: AuditReview, RequestID: req.GetName(), User: rev.Author, SubmittedBy: submittedBy,
		Proposed: rev.ProposedState, State: req.GetState(), Reason: rev.Reason,
	})
	return req, nil
}

func checkReview(req *types.AccessRequestV3, rev types.AccessReview) error {
	if rev.ProposedState.IsPromoted() {
		return errPromotion()
	}
	if !rev.ProposedState.IsApproved() && !rev.ProposedState.IsDenied() {
		return trace.BadParameter("invalid state proposal: %v (expected approval/denial)", rev.ProposedState)
	}
	if len(rev.Reason) > maxReason {
		return errReason("access request review reason")
	}
	if rev.ProposedState.IsApproved() && req.GetRequestKind().IsLongTerm() {
		return errLongTerm(req.GetName())
	}
	if slices.ContainsFunc(req.GetReviews(), func(old types.AccessReview) bool { return old.Author == rev.Author }) {
		return trace.AccessDenied("user %q has already reviewed this request", rev.Author)
	}
	if !req.GetState().IsPending() {
		return trace.AccessDenied("the access request has been already %s", strings.ToLower(req.GetState().String()))
	}
	return nil
}

func errPromotion() error {
	return trace.BadParameter("state promoted can be only set when promoting to access list")
}

// maxReason is the most bytes a reason of any kind may have.
const maxReason = 4096

func errReason(what string) error {
	return trace.BadParameter("%s is too long, max %d bytes", what, maxReason)
}

func errLongTerm(id string) error {
	return trace.BadParameter("long-term access request %q can only be promoted", id)
}

// settle moves a pending request on if rev, the newest review, met a threshold.
// The request's reason becomes rev's alone, and it lives as long as the access,
// also when it is denied.
func settle(req *types.AccessRequestV3, rev types.AccessReview) error {
	state := outcome(req)
	if state.IsPending() {
		return nil
	}
	if err := req.SetState(state); err != nil {
		return trace.Wrap(err)
	}
	req.SetResolveReason(rev.Reason)
	req.SetExpiry(req.GetAccessExpiry())
	if state.IsApproved() && rev.AssumeStartTime != nil {
		req.SetAssumeStartTime(*rev.AssumeStartTime)
	}
	return nil
}

// outcome counts the reviews against the thresholds. A single threshold's
// denials deny the request. It is approved when every role's every threshold
// set has one threshold that is met, as the api module documents for
// ThresholdIndexSets; a request without roles counts all as one set.
func outcome(req *types.AccessRequestV3) types.RequestState {
	approvals, denials := count(req)
	for i, t := range req.GetThresholds() {
		if t.Deny > 0 && denials[i] >= t.Deny {
			return types.RequestState_DENIED
		}
	}
	met := func(i uint32) bool {
		t := req.GetThresholds()[i]
		return t.Approve > 0 && approvals[i] >= t.Approve
	}
	mapping := req.GetRoleThresholdMapping()
	if len(mapping) == 0 {
		for i := range req.GetThresholds() {
			if met(uint32(i)) {
				return types.RequestState_APPROVED
			}
		}
		return types.RequestState_PENDING
	}
	for _, sets := range mapping {
		for _, set := range sets.Sets {
			if !slices.ContainsFunc(set.Indexes, met) {
				return types.RequestState_PENDING
			}
		}
	}
	return types.RequestState_APPROVED
}

func count(req *types.AccessRequestV3) (approvals, denials []uint32) {
	approvals = make([]uint32, len(req.GetThresholds()))
	denials = make([]uint32, len(req.GetThresholds()))
	for _, rev := range req.GetReviews() {
		for _, i := range rev.ThresholdIndexes {
			switch {
			case rev.ProposedState.IsApproved():
				approvals[i]++
			case rev.ProposedState.IsDenied():
				denials[i]++
			}
		}
	}
	return approvals, denials
}
