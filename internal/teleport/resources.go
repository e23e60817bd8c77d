package teleport

import (
	"context"
	"time"

	"github.com/gravitational/teleport/api/accessrequest"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

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
