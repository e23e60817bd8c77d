package teleport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/accessrequest"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

// requestPageSize is how many requests are listed at once: with their reviews
// and resources they stay well below maxMessageSize.
const requestPageSize = 200

var (
	errNoRequest = errors.New("no such request")
	errSamePage  = errors.New("the server answered the same page twice")
)

// Request reads one request; for a pending one with the friendly names of its
// resources. It is access.ErrNotFound when the request was deleted or has
// expired, and only then: without the right to read other users' requests it
// is a Permanent error.
func (c *Client) Request(ctx context.Context, id access.RequestID) (*access.Request, error) {
	raw, err := call(ctx, c, methodGetRequest(), string(id),
		func(ctx context.Context, a api) (types.AccessRequest, error) { return getRequest(ctx, a, id) })
	if errors.Is(err, access.ErrNotFound) {
		if err := c.requireListing(ctx, methodGetRequest(), string(id)); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	req, err := convertRequest(raw)
	if err != nil {
		return nil, &access.Error{Op: methodGetRequest().op, Key: string(id), Class: access.Permanent, Err: err}
	}
	if req.State == access.Pending {
		c.ResourceNames(ctx, req)
	}
	return req, nil
}

// getRequest reads a request by a filtered list: the API has no other read.
func getRequest(ctx context.Context, a api, id access.RequestID) (types.AccessRequest, error) {
	all, err := a.GetAccessRequests(ctx, types.AccessRequestFilter{ID: string(id)})
	if err != nil {
		return nil, err
	}
	for _, req := range all {
		if req.GetName() == string(id) && !req.GetDryRun() {
			return req, nil
		}
	}
	return nil, trace.Wrap(trace.NotFound("%v", errNoRequest))
}

// Requests lists all requests without the friendly names of their resources,
// with one page in memory at a time; servers without paging return all at once.
// Dry runs are skipped. The iteration ends after an error.
func (c *Client) Requests(ctx context.Context) iter.Seq2[*access.Request, error] {
	return func(yield func(*access.Request, error) bool) {
		if err := c.requireListing(ctx, methodListRequest(), ""); err != nil {
			yield(nil, err)
			return
		}
		start := ""
		for {
			page, next, err := c.page(ctx, start)
			if err == nil && next != "" && next == start {
				err = &access.Error{Op: methodListRequest().op, Class: access.Temporary, Err: errSamePage}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !c.yieldPage(page, yield) || next == "" {
				return
			}
			start = next
		}
	}
}

// page reads the requests from start on. next is where the following page
// starts, "" after the last.
func (c *Client) page(ctx context.Context, start string) (requests []types.AccessRequest, next string, err error) {
	page, err := call(ctx, c, methodListRequest(), start,
		func(ctx context.Context, a api) (*proto.ListAccessRequestsResponse, error) {
			return a.ListAccessRequests(ctx, &proto.ListAccessRequestsRequest{
				Filter: &types.AccessRequestFilter{}, Limit: requestPageSize, StartKey: start,
			})
		})
	if err != nil && start == "" && trace.IsNotImplemented(err) {
		all, err := call(ctx, c, methodListRequest(), "",
			func(ctx context.Context, a api) ([]types.AccessRequest, error) {
				return a.GetAccessRequests(ctx, types.AccessRequestFilter{})
			})
		return all, "", err
	}
	if err != nil {
		return nil, "", err
	}
	requests = make([]types.AccessRequest, 0, len(page.AccessRequests))
	for _, req := range page.AccessRequests {
		requests = append(requests, req)
	}
	return requests, page.NextKey, nil
}

// yieldPage yields a page's requests; false when the caller has enough. One
// that can't be converted is logged once and skipped: it must not hide the
// others.
func (c *Client) yieldPage(page []types.AccessRequest, yield func(*access.Request, error) bool) bool {
	for _, raw := range page {
		if raw.GetDryRun() {
			continue
		}
		req, err := convertRequest(raw)
		if err != nil {
			if c.logged.Changed("request", err.Error()) {
				c.log.Warn("invalid access request, ignored", "error", err)
			}
			continue
		}
		if !yield(req, nil) {
			return false
		}
	}
	return true
}

// convertRequest converts req to package access. It fails on an id that is
// unsafe to pass on and on a state that this version does not know.
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
		Created:            utc(req.GetCreationTime()),
		Expires:            utc(req.Expiry()),
		AccessExpires:      utc(req.GetAccessExpiry()),
		MaxDuration:        utc(req.GetMaxDuration()),
		SessionTTL:         utc(req.GetSessionTLL()),
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
		r.AssumeStart = utc(*start)
	}
	return r, nil
}

// utc returns t in UTC; zero for the zero time and for the epoch, which some
// absent times are decoded to.
func utc(t time.Time) time.Time {
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

// proposedState converts a decision's state; false when it is none.
func proposedState(state access.State) (types.RequestState, bool) {
	switch state {
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
			Author: review.Author, State: state, Reason: review.Reason, Created: utc(review.Created),
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

// convertResources names each resource in Teleport's notation,
// "/cluster/kind/name", which is unambiguous and accepted by tsh.
func convertResources(in []types.ResourceID) []access.Resource {
	var out []access.Resource
	for _, id := range in {
		text := types.ResourceIDToString(id)
		out = append(out, access.Resource{Kind: id.Kind, ID: text, Name: text})
	}
	return out
}

const (
	// nameTTL is how long a friendly name, or that there is none, is cached.
	nameTTL = 10 * time.Minute
	// maxNames bounds the cache of names.
	maxNames = 10_000
)

// ResourceNames fills in the friendly names of the request's resources. It
// never fails: where a name is unknown, or the right to list resources of
// a kind is missing, the id stays. A missing right is logged once for each
// kind.
func (c *Client) ResourceNames(ctx context.Context, req *access.Request) {
	byKind := make(map[string][]types.ResourceID)
	for i, resource := range req.Resources {
		if name, ok := c.names.Get(resource.ID); ok {
			req.Resources[i].Name = name
			continue
		}
		if id, ok := c.resolvable(resource); ok {
			byKind[id.Kind] = append(byKind[id.Kind], id)
		}
	}
	if len(byKind) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	for kind, ids := range byKind {
		c.resolveNames(ctx, kind, ids)
	}
	for i, resource := range req.Resources {
		if name, ok := c.names.Get(resource.ID); ok {
			req.Resources[i].Name = name
		}
	}
}

// resolvable returns the resource's id if this cluster can have a friendly name
// for it: resources of leaf clusters are known there only, and the names of the
// other kinds are chosen by people already.
func (c *Client) resolvable(resource access.Resource) (types.ResourceID, bool) {
	switch resource.Kind {
	case types.KindNode, types.KindApp, types.KindUserGroup, types.KindIdentityCenterAccount:
	default:
		return types.ResourceID{}, false
	}
	id, err := types.ResourceIDFromString(resource.ID)
	return id, err == nil && id.ClusterName == c.ClusterName()
}

// resolveNames reads and caches the names of resources of one kind. Kinds are
// asked for one by one: a single kind without the right to list it fails the
// whole call.
func (c *Client) resolveNames(ctx context.Context, kind string, ids []types.ResourceID) {
	details, err := call(ctx, c, methodNames(), kind,
		func(ctx context.Context, a api) (map[string]types.ResourceDetails, error) {
			return accessrequest.GetResourceDetails(ctx, c.ClusterName(), a, ids)
		})
	if err != nil && access.ClassOf(err) != access.Permanent {
		c.log.Debug("resource names not read", "kind", kind, "error", err)
		return
	}
	if trace.IsAccessDenied(err) && c.logged.First("names of "+kind) {
		c.log.Warn("resource names not readable, using ids", "kind", kind, "error", err,
			"fix", "add to a role of the daemon allow.rules: [{resources: ["+kind+"], verbs: [list, read]}] "+
				"and labels that match the resources, or allow.review_requests.preview_as_roles")
	}
	for _, id := range ids {
		text := types.ResourceIDToString(id)
		name := text
		if friendly := details[text].FriendlyName; friendly != "" {
			name = friendly
		}
		c.names.Put(text, name)
	}
}
