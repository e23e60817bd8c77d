package teleport

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/access"
)

// convertRequest gives req in the words of package access. It fails on an id
// that is unsafe to pass on and on a state that this version does not know.
func convertRequest(req types.AccessRequest) (*access.Request, error) {
	id, err := access.ParseRequestID(req.GetName())
	if err != nil {
		return nil, err
	}
	state, err := convertState(req.GetState())
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", id, err)
	}
	reviews, err := convertReviews(req.GetReviews())
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", id, err)
	}
	r := &access.Request{
		ID:                 id,
		User:               req.GetUser(),
		Roles:              slices.Clone(req.GetRoles()),
		Reason:             req.GetRequestReason(),
		State:              state,
		ResolveReason:      req.GetResolveReason(),
		Created:            moment(req.GetCreationTime()),
		Expires:            moment(req.Expiry()),
		AccessExpires:      moment(req.GetAccessExpiry()),
		MaxDuration:        moment(req.GetMaxDuration()),
		SessionTTL:         moment(req.GetSessionTLL()),
		LoginHint:          req.GetLoginHint(),
		LongTerm:           req.GetRequestKind() == types.AccessRequestKind_LONG_TERM,
		PromotedTo:         req.GetPromotedAccessListTitle(),
		Resources:          convertResources(req.GetRequestedResourceIDs()),
		SuggestedReviewers: slices.Clone(req.GetSuggestedReviewers()),
		Annotations:        maps.Clone(req.GetSystemAnnotations()),
		Thresholds:         convertThresholds(req.GetThresholds()),
		Reviews:            reviews,
	}
	if r.PromotedTo == "" {
		r.PromotedTo = req.GetPromotedAccessListName()
	}
	if start := req.GetAssumeStartTime(); start != nil {
		r.AssumeStart = moment(*start)
	}
	return r, nil
}

// moment is t in UTC; zero for the zero time and for the epoch, which is what
// an absent time decodes to in places.
func moment(t time.Time) time.Time {
	if t.IsZero() || t.Unix() == 0 {
		return time.Time{}
	}
	return t.UTC()
}

func convertState(s types.RequestState) (access.State, error) {
	switch s {
	case types.RequestState_NONE, types.RequestState_PENDING:
		return access.Pending, nil
	case types.RequestState_APPROVED:
		return access.Approved, nil
	case types.RequestState_DENIED:
		return access.Denied, nil
	case types.RequestState_PROMOTED:
		return access.Promoted, nil
	}
	return "", fmt.Errorf("unknown state %d", s)
}

// teleportState is the state that a verdict proposes.
func teleportState(verdict access.State) (types.RequestState, bool) {
	switch verdict {
	case access.Approved:
		return types.RequestState_APPROVED, true
	case access.Denied:
		return types.RequestState_DENIED, true
	case access.Pending, access.Promoted, access.Expired:
	}
	return types.RequestState_NONE, false
}

func convertReviews(in []types.AccessReview) ([]access.Review, error) {
	var out []access.Review
	for _, review := range in {
		state, err := convertState(review.ProposedState)
		if err != nil {
			return nil, fmt.Errorf("review by %q: %w", review.Author, err)
		}
		out = append(out, access.Review{
			Author: review.Author, State: state, Reason: review.Reason, Created: moment(review.Created),
		})
	}
	return out, nil
}

func convertThresholds(in []types.AccessReviewThreshold) []access.Threshold {
	var out []access.Threshold
	for _, t := range in {
		out = append(out, access.Threshold{Name: t.Name, Approve: int(t.Approve), Deny: int(t.Deny)})
	}
	return out
}

// convertResources names each resource by Teleport's own notation,
// "/cluster/kind/name", which is unambiguous and can be typed into tsh.
func convertResources(in []types.ResourceID) []access.Resource {
	var out []access.Resource
	for _, id := range in {
		text := types.ResourceIDToString(id)
		out = append(out, access.Resource{Kind: id.Kind, ID: text, Name: text})
	}
	return out
}
