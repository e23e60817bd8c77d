package teleport

import (
	"context"
	"fmt"
	"time"

	"teleport-jira/internal/access"
)

// Run reads the identity files for change at the configured interval until ctx
// ends, and returns nil then. What fails is logged and tried again; the
// connection in use stays.
func (c *Client) Run(ctx context.Context) error {
	if !c.cfg.RefreshIdentity {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(c.cfg.RefreshInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.ReloadIdentity(ctx); err != nil && ctx.Err() == nil {
				user, expires := c.Identity()
				c.log.Warn("identity not renewed", "error", err, "teleport_user", user, "expires", expires,
					"fix", "see that tbot, or whoever renews the identity, writes a good one")
			}
		}
	}
}

// ReloadIdentity reads the identity files and, if they changed, connects with
// what they hold now and puts that connection in the place of the old one:
// calls that run end on the old, the watcher subscribes anew. A file that is
// missing, half-written or expired, or a certificate that the cluster refuses,
// leaves the old in use and is an error. Unchanged files are an error only
// once their certificate has expired.
func (c *Client) ReloadIdentity(ctx context.Context) error {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	sum, err := identitySum(c.cfg)
	if err != nil {
		return err
	}
	l, err := c.hold()
	if err != nil {
		return &access.Error{Op: "renew identity", Class: access.Permanent, Err: err}
	}
	old := l.id
	l.release()
	if sum == old.sum {
		return stillValid(old, time.Now())
	}
	next, err := c.open(ctx)
	if err != nil {
		return err
	}
	if err := c.replace(next); err != nil {
		return &access.Error{Op: "renew identity", Class: access.Permanent, Err: err}
	}
	c.log.Info("identity renewed", "teleport_user", next.id.user, "expires", next.id.expires)
	return nil
}

// stillValid fails once the certificate has expired.
func stillValid(id identity, now time.Time) error {
	if now.Before(id.expires) {
		return nil
	}
	return &access.Error{
		Op: "renew identity", Class: access.Permanent,
		Err: fmt.Errorf("certificate of user %q expired at %s and its file has not been renewed",
			id.user, id.expires.UTC().Format(time.RFC3339)),
	}
}
