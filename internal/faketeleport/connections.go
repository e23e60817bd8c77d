package faketeleport

import (
	"context"
	"sync/atomic"

	"github.com/gravitational/trace"
	"google.golang.org/grpc"
)

// connectionLimit refuses calls and streams beyond a number that may be under
// way at once; 0 is no limit.
type connectionLimit struct {
	most     int64
	underWay atomic.Int64
}

func (l *connectionLimit) acquire() error {
	if n := l.underWay.Add(1); l.most > 0 && n > l.most {
		l.underWay.Add(-1)
		return trace.LimitExceeded("connection limit exceeded")
	}
	return nil
}

func (l *connectionLimit) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := l.acquire(); err != nil {
		return nil, err
	}
	defer l.underWay.Add(-1)
	return next(ctx, req)
}

func (l *connectionLimit) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := l.acquire(); err != nil {
		return err
	}
	defer l.underWay.Add(-1)
	return next(srv, stream)
}
