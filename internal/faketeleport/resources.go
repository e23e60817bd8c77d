package faketeleport

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// AddNode adds an SSH server; its friendly name is the hostname.
func (c *Cluster) AddNode(name, hostname string) error {
	node, err := types.NewServer(name, types.KindNode, types.ServerSpecV2{Hostname: hostname})
	if err != nil {
		return trace.Wrap(err)
	}
	return c.addResource(node)
}

// AddOktaApp adds an application that comes from Okta, the only ones to have a
// friendly name.
func (c *Cluster) AddOktaApp(name, friendlyName string) error {
	app, err := types.NewAppV3(types.Metadata{
		Name: name, Description: friendlyName, Labels: map[string]string{types.OriginLabel: types.OriginOkta},
	}, types.AppSpecV3{URI: "https://app.example.com", PublicAddr: "app.example.com"})
	if err != nil {
		return trace.Wrap(err)
	}
	server, err := types.NewAppServerV3FromApp(app, "host", "host-id")
	if err != nil {
		return trace.Wrap(err)
	}
	return c.addResource(server)
}

// AddOktaGroup adds a user group that comes from Okta.
func (c *Cluster) AddOktaGroup(name, friendlyName string) error {
	group, err := types.NewUserGroup(types.Metadata{
		Name: name, Description: friendlyName, Labels: map[string]string{types.OriginLabel: types.OriginOkta},
	}, types.UserGroupSpecV1{})
	if err != nil {
		return trace.Wrap(err)
	}
	return c.addResource(group)
}

func (c *Cluster) addResource(res types.ResourceWithLabels) error {
	if _, err := paginated(res); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resources = append(c.resources, res)
	slices.SortStableFunc(c.resources, func(a, b types.ResourceWithLabels) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	return nil
}

// paginated is the resource as ListResources answers it.
func paginated(res types.ResourceWithLabels) (*proto.PaginatedResource, error) {
	switch r := res.(type) {
	case *types.ServerV2:
		return &proto.PaginatedResource{Resource: &proto.PaginatedResource_Node{Node: r}}, nil
	case *types.AppServerV3:
		return &proto.PaginatedResource{Resource: &proto.PaginatedResource_AppServer{AppServer: r}}, nil
	case *types.UserGroupV1:
		return &proto.PaginatedResource{Resource: &proto.PaginatedResource_UserGroup{UserGroup: r}}, nil
	default:
		return nil, trace.BadParameter("resource type %T is not supported", res)
	}
}

// ListResources implements proto.AuthServiceServer for the predicates that
// api/accessrequest builds: any of some names.
func (s *authService) ListResources(ctx context.Context, req *proto.ListResourcesRequest) (*proto.ListResourcesResponse, error) {
	return call(ctx, s.cluster, "ListResources", func(caller string) (*proto.ListResourcesResponse, error) {
		return s.cluster.listResources(caller, req)
	})
}

func (c *Cluster) listResources(caller string, in *proto.ListResourcesRequest) (*proto.ListResourcesResponse, error) {
	names, err := parseNames(in.PredicateExpression)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := leafKind(in.ResourceType)
	if !c.may(caller, func(r Role) bool { return matches(r.ListResources, kind) }) {
		return nil, denied(kind, types.VerbList)
	}
	out := &proto.ListResourcesResponse{}
	for _, res := range c.resources {
		if res.GetKind() != in.ResourceType || res.GetName() < in.StartKey || !wanted(names, res.GetName()) {
			continue
		}
		if in.Limit > 0 && len(out.Resources) == int(in.Limit) {
			out.NextKey = res.GetName()
			break
		}
		page, err := paginated(res)
		if err != nil {
			return nil, err
		}
		out.Resources = append(out.Resources, page)
	}
	return out, nil
}

// leafKind is the kind that roles speak of: an app_server is there for its app.
func leafKind(kind string) string {
	switch kind {
	case types.KindAppServer:
		return types.KindApp
	case types.KindDatabaseServer:
		return types.KindDatabase
	case types.KindKubeServer:
		return types.KindKubernetesCluster
	default:
		return kind
	}
}

func wanted(names []string, name string) bool { return names == nil || slices.Contains(names, name) }

// nameTerm is one term of a predicate: resource.metadata.name == "x", with the
// quoting of Go's %q, and what joins it to the next.
var nameTerm = regexp.MustCompile(`^resource\.metadata\.name == ("(?:[^"\\]|\\.)*")(?: \|\| |$)`)

// parseNames are the names that a predicate asks for; nil when it is empty,
// which asks for all.
func parseNames(predicate string) ([]string, error) {
	var names []string
	for rest := predicate; rest != ""; {
		term := nameTerm.FindStringSubmatch(rest)
		if term == nil {
			return nil, trace.BadParameter("predicate %.100q is not supported", rest)
		}
		name, err := strconv.Unquote(term[1])
		if err != nil {
			return nil, trace.BadParameter("predicate has a malformed name %.100q", term[1])
		}
		names = append(names, name)
		rest = rest[len(term[0]):]
	}
	return names, nil
}
