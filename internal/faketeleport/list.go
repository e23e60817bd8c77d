package faketeleport

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// list is the API's ListAccessRequests: one page of what the caller may see.
// Without list and read rights that is the caller's own requests and those that
// the caller may review, and no error says so.
func (c *Cluster) list(caller string, in *proto.ListAccessRequestsRequest) (*proto.ListAccessRequestsResponse, error) {
	if c.cfg.NoPagedList {
		return nil, trace.NotImplemented("method ListAccessRequests not implemented")
	}
	if _, known := proto.AccessRequestSort_name[int32(in.Sort)]; !known {
		return nil, trace.BadParameter("unknown sort order %d", in.Sort)
	}
	limit := int(in.Limit)
	if limit <= 0 || limit > c.cfg.PageSize {
		limit = c.cfg.PageSize
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sees := c.visibleLocked(caller, in.Filter)
	if in.Filter != nil && in.Filter.ID != "" {
		return c.listOneLocked(in.Filter.ID, sees), nil
	}
	out := &proto.ListAccessRequestsResponse{}
	for _, e := range resume(c.indexLocked(in.Sort), in.StartKey, in.Descending) {
		req := c.requests[e.id].res
		if !sees(req) {
			continue
		}
		if len(out.AccessRequests) == limit {
			out.NextKey = e.key
			break
		}
		out.AccessRequests = append(out.AccessRequests, req)
	}
	return out, nil
}

func (c *Cluster) listOneLocked(id string, sees func(*types.AccessRequestV3) bool) *proto.ListAccessRequestsResponse {
	out := &proto.ListAccessRequestsResponse{}
	if req, err := c.getLocked(id); err == nil && sees(req) {
		out.AccessRequests = []*types.AccessRequestV3{req}
	}
	return out
}

// listAll is the answer to the older streaming call.
func (c *Cluster) listAll(caller string, filter *types.AccessRequestFilter) []*types.AccessRequestV3 {
	c.mu.Lock()
	defer c.mu.Unlock()
	sees := c.visibleLocked(caller, filter)
	var out []*types.AccessRequestV3
	for _, e := range c.indexLocked(proto.AccessRequestSort_DEFAULT) {
		if req := c.requests[e.id].res; sees(req) {
			out = append(out, req)
		}
	}
	return out
}

// visibleLocked selects the requests that the caller may see and asks for.
func (c *Cluster) visibleLocked(caller string, asked *types.AccessRequestFilter) func(*types.AccessRequestV3) bool {
	var filter types.AccessRequestFilter
	if asked != nil {
		filter = *asked
	}
	filter.Requester = caller
	all := c.may(caller, func(r Role) bool { return r.ListRequests })
	cached := time.Now().Add(-c.cfg.ListLag)
	return func(req *types.AccessRequestV3) bool {
		if c.cfg.ListLag > 0 && filter.ID == "" && req.GetCreationTime().After(cached) {
			return false
		}
		return (all || req.GetUser() == caller || c.canReview(caller, req)) && filter.Match(req)
	}
}

// resume is the rest of the index from startKey on, in the order asked for. A
// key whose request is gone by now resumes where it would be.
func resume(entries index, startKey string, descending bool) index {
	if descending {
		entries = slices.Clone(entries)
		slices.Reverse(entries)
	}
	if startKey == "" {
		return entries
	}
	at := sort.Search(len(entries), func(i int) bool {
		order := strings.Compare(entries[i].key, startKey)
		return (descending && order <= 0) || (!descending && order >= 0)
	})
	return entries[at:]
}
