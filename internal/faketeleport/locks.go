package faketeleport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

var errCertificateExpired = errors.New("certificate has expired")

// UpsertLock implements proto.AuthServiceServer.
func (s *authService) UpsertLock(ctx context.Context, lock *types.LockV2) (*emptypb.Empty, error) {
	return call(ctx, s.cluster, "UpsertLock", func(caller string) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.cluster.upsertLock(caller, lock)
	})
}

// upsertLock asks for both rights and names those that are missing. One whose time
// has passed is taken, too: it does nothing.
func (c *Cluster) upsertLock(caller string, lock *types.LockV2) error {
	lock = utils.CloneProtoMsg(lock)
	if err := lock.CheckAndSetDefaults(); err != nil {
		return trace.Wrap(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var missing []string
	if !c.may(caller, func(r Role) bool { return r.CreateLocks }) {
		missing = append(missing, denied(types.KindLock, types.VerbCreate).Error())
	}
	if !c.may(caller, func(r Role) bool { return r.UpdateLocks }) {
		missing = append(missing, denied(types.KindLock, types.VerbUpdate).Error())
	}
	if len(missing) > 0 {
		return trace.AccessDenied("%s", strings.Join(missing, ", "))
	}
	lock.SetCreatedBy(caller)
	if _, known := c.locks[lock.GetName()]; !known {
		c.lockedAt[lock.GetName()] = time.Now()
	}
	c.locks[lock.GetName()] = lock
	c.record(AuditEvent{Type: AuditLock, User: caller, RequestID: lock.Target().AccessRequest})
	return nil
}

// Locks are copies of the locks that are listed, by name: those whose resource has
// not expired.
func (c *Cluster) Locks() []*types.LockV2 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*types.LockV2
	for _, name := range slices.Sorted(maps.Keys(c.locks)) {
		if expiry := c.locks[name].Expiry(); expiry.IsZero() || expiry.After(time.Now()) {
			out = append(out, utils.CloneProtoMsg(c.locks[name]))
		}
	}
	return out
}

// Certificate is a user's certificate with the requests that it was issued for. A
// request that is deleted or denied afterwards stays in it.
type Certificate struct {
	cluster  *Cluster
	user     string
	requests []string
	expires  time.Time
}

// Assume issues a certificate with the requests, as tsh login --request-id does:
// for the user's own, approved ones, unless a lock is in force.
func (c *Cluster) Assume(user string, ids ...string) (*Certificate, error) {
	cert := &Certificate{cluster: c, user: user, requests: ids}
	c.mu.Lock()
	for _, id := range ids {
		req, err := c.getLocked(id)
		if err != nil || req.GetUser() != user || !req.GetState().IsApproved() || !req.GetAccessExpiry().After(time.Now()) {
			c.mu.Unlock()
			return nil, trace.AccessDenied("request %q can't be assumed by %q", id, user)
		}
		if start := req.GetAssumeStartTime(); start != nil && start.After(time.Now()) {
			c.mu.Unlock()
			return nil, trace.AccessDenied("request %q can be assumed from %s on", id, start)
		}
		if end := req.GetAccessExpiry(); cert.expires.IsZero() || end.Before(cert.expires) {
			cert.expires = end
		}
	}
	c.mu.Unlock()
	return cert, cert.Use()
}

// Use fails where the certificate gives nothing: it has expired, or a lock on the
// user or on any of its requests is in force.
func (cert *Certificate) Use() error {
	c := cert.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !now.Before(cert.expires) {
		return errCertificateExpired
	}
	for name, lock := range c.locks {
		target := lock.Target()
		hits := target.User == cert.user && target.User != "" || slices.Contains(cert.requests, target.AccessRequest)
		if hits && lock.IsInForce(now) && !now.Before(c.lockedAt[name].Add(c.cfg.LockDelay)) {
			return trace.AccessDenied("lock targeting %s is in force: %s", targetText(target), lock.Message())
		}
	}
	return nil
}

func targetText(t types.LockTarget) string {
	if t.AccessRequest != "" {
		return fmt.Sprintf("AccessRequest:%q", t.AccessRequest)
	}
	return fmt.Sprintf("User:%q", t.User)
}
