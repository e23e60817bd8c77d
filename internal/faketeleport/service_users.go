package faketeleport

import (
	"context"
	"maps"
	"slices"

	"github.com/gravitational/teleport/api/client/proto"
	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// usersService is the part of Teleport's users service that reads.
type usersService struct {
	userspb.UnimplementedUsersServiceServer
	cluster *Cluster
}

// GetUser implements userspb.UsersServiceServer. Everybody may read the own
// user.
func (s *usersService) GetUser(ctx context.Context, req *userspb.GetUserRequest) (*userspb.GetUserResponse, error) {
	return call(ctx, s.cluster, "GetUser", func(caller string) (*userspb.GetUserResponse, error) {
		name := req.Name
		if req.CurrentUser {
			name = caller
		}
		user, err := s.cluster.readUser(caller, name)
		return &userspb.GetUserResponse{User: user}, err
	})
}

// ListUsers implements userspb.UsersServiceServer, in a single page.
func (s *usersService) ListUsers(ctx context.Context, _ *userspb.ListUsersRequest) (*userspb.ListUsersResponse, error) {
	return call(ctx, s.cluster, "ListUsers", func(caller string) (*userspb.ListUsersResponse, error) {
		users, err := s.cluster.readUsers(caller)
		return &userspb.ListUsersResponse{Users: users}, err
	})
}

// GetRole implements proto.AuthServiceServer. Everybody may read the own roles.
func (s *authService) GetRole(ctx context.Context, req *proto.GetRoleRequest) (*types.RoleV6, error) {
	return call(ctx, s.cluster, "GetRole", func(caller string) (*types.RoleV6, error) {
		return s.cluster.readRole(caller, req.Name)
	})
}

// ListRoles implements proto.AuthServiceServer, in a single page.
func (s *authService) ListRoles(ctx context.Context, _ *proto.ListRolesRequest) (*proto.ListRolesResponse, error) {
	return call(ctx, s.cluster, "ListRoles", func(caller string) (*proto.ListRolesResponse, error) {
		roles, err := s.cluster.readRoles(caller)
		return &proto.ListRolesResponse{Roles: roles}, err
	})
}

// GetCurrentUserRoles implements proto.AuthServiceServer.
func (s *authService) GetCurrentUserRoles(_ *emptypb.Empty, stream proto.AuthService_GetCurrentUserRolesServer) error {
	roles, err := call(stream.Context(), s.cluster, "GetCurrentUserRoles", s.cluster.ownRoles)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := stream.Send(role); err != nil {
			return trace.Wrap(err)
		}
	}
	return nil
}

func (c *Cluster) hasUser(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.users[name]
	return ok
}

// LockUser locks a user out, with the next call: every call of theirs is refused.
func (c *Cluster) LockUser(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked[name] = true
}

func (c *Cluster) isLocked(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.locked[name]
}

func errLocked(user string) error {
	return trace.AccessDenied("lock targeting User:%q is in force", user)
}

func (c *Cluster) readUser(caller, name string) (*types.UserV2, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != caller && !c.may(caller, func(r Role) bool { return r.ReadUsers }) {
		return nil, denied(types.KindUser, types.VerbRead)
	}
	user, ok := c.users[name]
	if !ok {
		return nil, trace.NotFound("user %q not found", name)
	}
	return user.resource()
}

func (c *Cluster) readUsers(caller string) ([]*types.UserV2, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.ReadUsers }) {
		return nil, denied(types.KindUser, types.VerbList)
	}
	var out []*types.UserV2
	for _, name := range slices.Sorted(maps.Keys(c.users)) {
		user, err := c.users[name].resource()
		if err != nil {
			return nil, err
		}
		out = append(out, user)
	}
	return out, nil
}

func (c *Cluster) readRole(caller, name string) (*types.RoleV6, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := slices.Contains(c.users[caller].Roles, name)
	if !own && !c.may(caller, func(r Role) bool { return r.ReadRoles }) {
		return nil, denied(types.KindRole, types.VerbRead)
	}
	role, ok := c.roles[name]
	if !ok {
		return nil, trace.NotFound("role %q is not found", name)
	}
	return role.resource()
}

func (c *Cluster) readRoles(caller string) ([]*types.RoleV6, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.ReadRoles }) {
		return nil, denied(types.KindRole, types.VerbList)
	}
	var all []Role
	for _, name := range slices.Sorted(maps.Keys(c.roles)) {
		all = append(all, c.roles[name])
	}
	return resources(all)
}

func (c *Cluster) ownRoles(caller string) ([]*types.RoleV6, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return resources(c.rolesOf(caller))
}

func resources(roles []Role) ([]*types.RoleV6, error) {
	var out []*types.RoleV6
	for _, role := range roles {
		res, err := role.resource()
		if err != nil {
			return nil, err
		}
		out = append(out, res)
	}
	return out, nil
}

// resource is the user as the API shows it.
func (u User) resource() (*types.UserV2, error) {
	user, err := types.NewUser(u.Name)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	user.SetRoles(slices.Clone(u.Roles))
	user.SetTraits(maps.Clone(u.Traits))
	v2, ok := user.(*types.UserV2)
	if !ok {
		return nil, trace.BadParameter("user of unexpected type %T", user)
	}
	return v2, nil
}
