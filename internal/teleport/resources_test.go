package teleport

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// inventory answers ListResources for the kinds it may show, and nothing else.
type inventory struct {
	api
	shown map[string][]types.ResourceWithLabels
	asked int
}

func (i *inventory) ListResources(_ context.Context, req proto.ListResourcesRequest) (*types.ListResourcesResponse, error) {
	i.asked++
	shown, ok := i.shown[req.ResourceType]
	if !ok {
		return nil, trace.AccessDenied("no access to %s", req.ResourceType)
	}
	return &types.ListResourcesResponse{Resources: shown}, nil
}

func node(t *testing.T, name, hostname string) types.ResourceWithLabels {
	t.Helper()
	server, err := types.NewServer(name, types.KindNode, types.ServerSpecV2{Hostname: hostname})
	require.NoError(t, err)
	return server
}

func namesClient(a api, log *bytes.Buffer) *Client {
	c := newClient(Config{}, Deps{
		Logger: slog.New(slog.NewTextHandler(log, nil)), Metrics: NewMetrics(prometheus.NewRegistry()),
	})
	c.conn = newConnection(a, identity{})
	c.cluster.Store(&cluster{name: "example.com"})
	return c
}

func requested(ids ...types.ResourceID) *access.Request {
	return &access.Request{Resources: convertResources(ids)}
}

func TestResourceNames(t *testing.T) {
	inv := &inventory{shown: map[string][]types.ResourceWithLabels{types.KindNode: {node(t, "n1", "db-1.example.com")}}}
	var log bytes.Buffer
	c := namesClient(inv, &log)
	for range 3 {
		req := requested(
			types.ResourceID{ClusterName: "example.com", Kind: types.KindNode, Name: "n1"},
			types.ResourceID{ClusterName: "example.com", Kind: types.KindNode, Name: "n9"},
			types.ResourceID{ClusterName: "leaf.example.com", Kind: types.KindNode, Name: "n1"},
			types.ResourceID{ClusterName: "example.com", Kind: types.KindApp, Name: "wiki"},
			types.ResourceID{ClusterName: "example.com", Kind: types.KindDatabase, Name: "orders"},
		)
		c.ResourceNames(t.Context(), req)
		var names []string
		for _, resource := range req.Resources {
			names = append(names, resource.Name)
		}
		require.Equal(t, []string{
			"db-1.example.com", "/example.com/node/n9", "/leaf.example.com/node/n1",
			"/example.com/app/wiki", "/example.com/db/orders",
		}, names, "one kind without the right keeps no other from its names")
	}
	require.Equal(t, 2, inv.asked, "each kind is asked for once")
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("resource names not readable")))
	require.Contains(t, log.String(), "resources: [app]")
}

func TestResourceNamesAreReadAnewAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inv := &inventory{shown: map[string][]types.ResourceWithLabels{types.KindNode: {node(t, "n1", "old")}}}
		c := namesClient(inv, &bytes.Buffer{})
		id := types.ResourceID{ClusterName: "example.com", Kind: types.KindNode, Name: "n1"}
		c.ResourceNames(t.Context(), requested(id))
		inv.shown[types.KindNode] = []types.ResourceWithLabels{node(t, "n1", "new")}
		<-time.After(nameTTL)
		req := requested(id)
		c.ResourceNames(t.Context(), req)
		require.Equal(t, "new", req.Resources[0].Name)
	})
}
