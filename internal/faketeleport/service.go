package faketeleport

import (
	"context"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/emptypb"
)

// authService is the Auth Service's gRPC interface to a Cluster. What it does
// not have answers Unimplemented.
type authService struct {
	proto.UnimplementedAuthServiceServer
	cluster *Cluster
}

// call counts a call, finds out whose it is, lets faults strike, and has the
// effect.
func call[T any](ctx context.Context, c *Cluster, method string, effect func(caller string) (T, error)) (T, error) {
	var none T
	caller, err := c.begin(ctx, method)
	if err != nil {
		return none, err
	}
	out, err := effect(caller)
	if err != nil {
		return none, err
	}
	if err := c.strike(ctx, method, caller, AfterEffect); err != nil {
		return none, err
	}
	return out, nil
}

// begin counts a call, names its caller and lets faults strike.
func (c *Cluster) begin(ctx context.Context, method string) (caller string, err error) {
	c.countCall(method)
	caller, err = callerOf(ctx)
	if err != nil {
		return "", err
	}
	if err := c.strike(ctx, method, caller, BeforeEffect); err != nil {
		return "", err
	}
	if c.isLocked(caller) {
		return "", errLocked(caller)
	}
	if !c.hasUser(caller) {
		return "", trace.AccessDenied("user %q does not exist", caller)
	}
	return caller, nil
}

// callerOf is the user that the client certificate names.
func callerOf(ctx context.Context) (string, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", trace.AccessDenied("missing authentication")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return "", trace.AccessDenied("missing authentication")
	}
	return info.State.VerifiedChains[0][0].Subject.CommonName, nil
}

// Ping implements proto.AuthServiceServer.
func (s *authService) Ping(ctx context.Context, _ *proto.PingRequest) (*proto.PingResponse, error) {
	return call(ctx, s.cluster, "Ping", func(string) (*proto.PingResponse, error) {
		cfg := s.cluster.cfg
		return &proto.PingResponse{
			ClusterName:     cfg.ClusterName,
			ServerVersion:   cfg.Version,
			ProxyPublicAddr: cfg.ProxyPublicAddr,
			ServerFeatures:  &proto.Features{AdvancedAccessWorkflows: !cfg.Community},
		}, nil
	})
}

// WatchEvents implements proto.AuthServiceServer.
func (s *authService) WatchEvents(watch *proto.Watch, stream proto.AuthService_WatchEventsServer) error {
	ctx := stream.Context()
	w, err := call(ctx, s.cluster, "WatchEvents", func(caller string) (*watcher, error) {
		w, err := s.cluster.watch(caller, watch.Kinds, watch.AllowPartialSuccess)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { s.cluster.unwatch(w) })
		return w, nil
	})
	if err != nil {
		return err
	}
	for ev := range w.events {
		if ev.Type == types.OpInit && s.cluster.cfg.NoWatchStatus {
			if err := stream.Send(&proto.Event{Type: proto.Operation_INIT}); err != nil {
				return trace.Wrap(err)
			}
			continue
		}
		out, err := client.EventToGRPC(ev)
		if err != nil {
			return trace.Wrap(err)
		}
		if err := stream.Send(out); err != nil {
			return trace.Wrap(err)
		}
	}
	return w.err
}

// ListAccessRequests implements proto.AuthServiceServer.
func (s *authService) ListAccessRequests(ctx context.Context, req *proto.ListAccessRequestsRequest) (*proto.ListAccessRequestsResponse, error) {
	return call(ctx, s.cluster, "ListAccessRequests", func(caller string) (*proto.ListAccessRequestsResponse, error) {
		return s.cluster.list(caller, req)
	})
}

// GetAccessRequestsV2 implements proto.AuthServiceServer.
func (s *authService) GetAccessRequestsV2(filter *types.AccessRequestFilter, stream proto.AuthService_GetAccessRequestsV2Server) error {
	found, err := call(stream.Context(), s.cluster, "GetAccessRequestsV2", func(caller string) ([]*types.AccessRequestV3, error) {
		return s.cluster.listAll(caller, filter), nil
	})
	if err != nil {
		return err
	}
	for _, req := range found {
		if err := stream.Send(req); err != nil {
			return trace.Wrap(err)
		}
	}
	return nil
}

// CreateAccessRequestV2 implements proto.AuthServiceServer.
func (s *authService) CreateAccessRequestV2(ctx context.Context, req *types.AccessRequestV3) (*types.AccessRequestV3, error) {
	return call(ctx, s.cluster, "CreateAccessRequestV2", func(caller string) (*types.AccessRequestV3, error) {
		return s.cluster.createFor(caller, req)
	})
}

// DeleteAccessRequest implements proto.AuthServiceServer.
func (s *authService) DeleteAccessRequest(ctx context.Context, req *proto.RequestID) (*emptypb.Empty, error) {
	return call(ctx, s.cluster, "DeleteAccessRequest", func(caller string) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.cluster.deleteFor(caller, req.ID)
	})
}

// SetAccessRequestState implements proto.AuthServiceServer.
func (s *authService) SetAccessRequestState(ctx context.Context, req *proto.RequestStateSetter) (*emptypb.Empty, error) {
	return call(ctx, s.cluster, "SetAccessRequestState", func(caller string) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.cluster.setStateFor(caller, req.Delegator, types.AccessRequestUpdate{
			RequestID:       req.ID,
			State:           req.State,
			Reason:          req.Reason,
			Annotations:     req.Annotations,
			Roles:           req.Roles,
			AssumeStartTime: req.AssumeStartTime,
		})
	})
}

// SubmitAccessReview implements proto.AuthServiceServer.
func (s *authService) SubmitAccessReview(ctx context.Context, sub *types.AccessReviewSubmission) (*types.AccessRequestV3, error) {
	return call(ctx, s.cluster, "SubmitAccessReview", func(caller string) (*types.AccessRequestV3, error) {
		if s.cluster.cfg.AdminActionMFA {
			return nil, errAdminActionMFA()
		}
		return s.cluster.submitReview(caller, *sub)
	})
}

// GetPluginData implements proto.AuthServiceServer.
func (s *authService) GetPluginData(ctx context.Context, filter *types.PluginDataFilter) (*proto.PluginDataSeq, error) {
	return call(ctx, s.cluster, "GetPluginData", func(caller string) (*proto.PluginDataSeq, error) {
		data, err := s.cluster.readPluginData(caller, *filter)
		return &proto.PluginDataSeq{PluginData: data}, err
	})
}

// UpdatePluginData implements proto.AuthServiceServer.
func (s *authService) UpdatePluginData(ctx context.Context, params *types.PluginDataUpdateParams) (*emptypb.Empty, error) {
	return call(ctx, s.cluster, "UpdatePluginData", func(caller string) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.cluster.updatePluginDataFor(caller, *params)
	})
}
