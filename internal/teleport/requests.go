package teleport

import (
	"context"
	"errors"
	"iter"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

// pageSize is how many requests are asked for at once: with their reviews and
// resources they stay well below maxMessage.
const pageSize = 200

var (
	errNoRequest = errors.New("no such request")
	errSamePage  = errors.New("the server answered the same page twice")
)

// Request reads one request, for a pending one with the friendly names of its
// resources. It is access.ErrNotFound when it is gone, and only then: without
// the right to see other people's requests it is a Permanent error.
func (c *Client) Request(ctx context.Context, id access.RequestID) (*access.Request, error) {
	found, err := call(ctx, c, methodGetRequest(), string(id),
		func(ctx context.Context, a api) (types.AccessRequest, error) { return getRequest(ctx, a, id) })
	if errors.Is(err, access.ErrNotFound) {
		if blind := c.seesAll(ctx, methodGetRequest(), string(id)); blind != nil {
			return nil, blind
		}
	}
	if err != nil {
		return nil, err
	}
	req, err := convertRequest(found)
	if err != nil {
		return nil, &access.Error{Op: methodGetRequest().op, Key: string(id), Class: access.Permanent, Err: err}
	}
	if req.State == access.Pending {
		c.ResourceNames(ctx, req)
	}
	return req, nil
}

// getRequest reads a request by a filtered list, the only way there is.
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
// a page in memory at a time; servers that can't list by pages answer all at
// once. Dry runs are left out. After an error it yields no more.
func (c *Client) Requests(ctx context.Context) iter.Seq2[*access.Request, error] {
	return func(yield func(*access.Request, error) bool) {
		if err := c.seesAll(ctx, methodListRequest(), ""); err != nil {
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

// page reads the requests from start on, and where the next page starts, ""
// after the last.
func (c *Client) page(ctx context.Context, start string) ([]types.AccessRequest, string, error) {
	page, err := call(ctx, c, methodListRequest(), start,
		func(ctx context.Context, a api) (*proto.ListAccessRequestsResponse, error) {
			return a.ListAccessRequests(ctx, &proto.ListAccessRequestsRequest{
				Filter: &types.AccessRequestFilter{}, Limit: pageSize, StartKey: start,
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
	requests := make([]types.AccessRequest, 0, len(page.AccessRequests))
	for _, req := range page.AccessRequests {
		requests = append(requests, req)
	}
	return requests, page.NextKey, nil
}

// yieldPage yields a page's requests; false when the caller has enough. One
// that can't be understood is said once and left out: it must not keep the
// others from being seen.
func (c *Client) yieldPage(page []types.AccessRequest, yield func(*access.Request, error) bool) bool {
	for _, raw := range page {
		if raw.GetDryRun() {
			continue
		}
		req, err := convertRequest(raw)
		if err != nil {
			if c.warned.news("request", err.Error()) {
				c.log.Warn("access request left out", "error", err)
			}
			continue
		}
		if !yield(req, nil) {
			return false
		}
	}
	return true
}
