package teleport

import (
	"context"
	"sync"
	"time"

	"github.com/gravitational/teleport/api/accessrequest"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

const (
	// namesFor is how long a friendly name, or that there is none, is kept.
	namesFor = 10 * time.Minute
	// maxNames bounds the cache; beyond it the cache starts anew.
	maxNames = 10_000
)

// ResourceNames fills in the friendly names of the request's resources. It is
// an embellishment and never fails: where a name is unknown, or the right to
// read resources of a kind is missing, the id stays. A missing right is logged
// once for each kind.
func (c *Client) ResourceNames(ctx context.Context, req *access.Request) {
	byKind := make(map[string][]types.ResourceID)
	for i, resource := range req.Resources {
		if name, ok := c.names.get(resource.ID); ok {
			req.Resources[i].Name = name
			continue
		}
		if id, ok := c.nameable(resource); ok {
			byKind[id.Kind] = append(byKind[id.Kind], id)
		}
	}
	if len(byKind) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	for kind, ids := range byKind {
		c.lookUp(ctx, kind, ids)
	}
	for i, resource := range req.Resources {
		if name, ok := c.names.get(resource.ID); ok {
			req.Resources[i].Name = name
		}
	}
}

// nameable gives the resource's id if it can have a friendly name that this
// cluster knows: leaf clusters have to be asked themselves, and the other kinds
// are named by people already.
func (c *Client) nameable(resource access.Resource) (types.ResourceID, bool) {
	switch resource.Kind {
	case types.KindNode, types.KindApp, types.KindUserGroup, types.KindIdentityCenterAccount:
	default:
		return types.ResourceID{}, false
	}
	id, err := types.ResourceIDFromString(resource.ID)
	return id, err == nil && id.ClusterName == c.ClusterName()
}

// lookUp asks for the names of resources of one kind: a single kind without
// the right to list it would fail a common question.
func (c *Client) lookUp(ctx context.Context, kind string, ids []types.ResourceID) {
	details, err := call(ctx, c, methodNames(), kind,
		func(ctx context.Context, a api) (map[string]types.ResourceDetails, error) {
			return accessrequest.GetResourceDetails(ctx, c.ClusterName(), a, ids)
		})
	if err != nil && access.ClassOf(err) != access.Permanent {
		c.log.Debug("resource names not read", "kind", kind, "error", err)
		return
	}
	if trace.IsAccessDenied(err) && c.warned.news("names of "+kind, "") {
		c.log.Warn("resource names not readable, ids are shown instead", "kind", kind, "error", err,
			"fix", "add to a role of the daemon allow.rules: [{resources: ["+kind+"], verbs: [list, read]}] "+
				"and labels that match the resources, or allow.review_requests.preview_as_roles")
	}
	for _, id := range ids {
		text := types.ResourceIDToString(id)
		name := text
		if found := details[text].FriendlyName; found != "" {
			name = found
		}
		c.names.put(text, name)
	}
}

// nameCache keeps friendly names by resource id.
type nameCache struct {
	mu    sync.Mutex
	names map[string]cachedName
}

type cachedName struct {
	name string
	read time.Time
}

func newNameCache() *nameCache { return &nameCache{names: make(map[string]cachedName)} }

func (n *nameCache) get(id string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	cached, ok := n.names[id]
	if !ok || time.Since(cached.read) >= namesFor {
		return "", false
	}
	return cached.name, true
}

func (n *nameCache) put(id, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.names) >= maxNames {
		clear(n.names)
	}
	n.names[id] = cachedName{name: name, read: time.Now()}
}
