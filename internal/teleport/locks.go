package teleport

import (
	"context"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/access"
)

// Lock makes the lock, or makes it anew where it exists. It is in force within a
// second: sessions and connections whose certificate carries the request end, and
// no new ones begin. The server asks for the rights to create and to update locks,
// both. It takes a lock whose time has passed, which does nothing. Its audit log
// names the daemon and the target, and not the message.
func (c *Client) Lock(ctx context.Context, l access.Lock) error {
	expires := l.Expires.UTC()
	lock, err := types.NewLock(l.Name(), types.LockSpecV2{
		Target: types.LockTarget{AccessRequest: string(l.RequestID)}, Message: l.Message, Expires: &expires,
	})
	if err != nil {
		return &access.Error{Op: methodLock().op, Key: string(l.RequestID), Class: access.Permanent, Err: err}
	}
	lock.SetExpiry(expires) // else it stays listed for ever
	_, err = call(ctx, c, methodLock(), string(l.RequestID), func(ctx context.Context, a api) (struct{}, error) {
		return struct{}{}, a.UpsertLock(ctx, lock)
	})
	return err
}
