package faketeleport

import (
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
)

// Request is a copy of the request; NotFound when it is gone.
func (c *Cluster) Request(id string) (*types.AccessRequestV3, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req, err := c.getLocked(id)
	if err != nil {
		return nil, err
	}
	return clone(req), nil
}

// Requests are copies of all requests, oldest first.
func (c *Cluster) Requests() []*types.AccessRequestV3 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*types.AccessRequestV3, 0, len(c.requests))
	for _, e := range c.indexLocked(proto.AccessRequestSort_CREATED) {
		out = append(out, clone(c.requests[e.id].res))
	}
	return out
}

// Expire lets the request vanish as if its time were up; NotFound when it is
// gone already. Watchers see no difference to Remove, and the audit log has no
// event of it.
func (c *Cluster) Expire(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.dropLocked(id)
	return err
}

// ExpireIn changes the request's expiry, which watchers are told, so that it
// expires by itself after d; NotFound when it is gone already.
func (c *Cluster) ExpireIn(id string, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, err := c.getLocked(id)
	if err != nil {
		return err
	}
	req := clone(stored)
	req.SetExpiry(time.Now().Add(d))
	c.storeLocked(req)
	return nil
}

// Remove deletes the request, as an administrator does; NotFound when it is
// gone already. Its plugin data stays until it expires.
func (c *Cluster) Remove(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.removeLocked(id, "admin")
}

// deleteFor is the API's DeleteAccessRequest.
func (c *Cluster) deleteFor(caller, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.DeleteRequests }) {
		return denied(types.KindAccessRequest, types.VerbDelete)
	}
	if c.cfg.AdminActionMFA {
		return errAdminActionMFA()
	}
	return c.removeLocked(id, caller)
}

func (c *Cluster) removeLocked(id, user string) error {
	req, err := c.dropLocked(id)
	if err != nil {
		return trace.NotFound("cannot delete access request %q (not found)", id)
	}
	c.record(AuditEvent{Type: AuditDelete, RequestID: id, User: user, State: req.GetState()})
	return nil
}

// dropLocked takes the request out and tells the watchers.
func (c *Cluster) dropLocked(id string) (*types.AccessRequestV3, error) {
	req, err := c.hideLocked(id)
	if err == nil {
		c.emitDelete(id)
	}
	return req, err
}

// hideLocked takes the request out and tells nobody.
func (c *Cluster) hideLocked(id string) (*types.AccessRequestV3, error) {
	req, err := c.getLocked(id)
	if err != nil {
		return nil, err
	}
	c.requests[id].timer.Stop()
	delete(c.requests, id)
	c.version++
	return req, nil
}

func (c *Cluster) getLocked(id string) (*types.AccessRequestV3, error) {
	r, ok := c.requests[id]
	if !ok {
		return nil, trace.NotFound("access request %q not found", id)
	}
	return r.res, nil
}

// storeLocked puts req, which nobody changes any more, tells the watchers and
// sets the timer that lets it vanish.
func (c *Cluster) storeLocked(req *types.AccessRequestV3) {
	id := req.GetName()
	if old, ok := c.requests[id]; ok {
		old.timer.Stop()
	}
	due := time.Until(req.Expiry())
	if c.cfg.ReadPastExpiry {
		due += c.cfg.DeleteDelay
	}
	timer := time.AfterFunc(due, func() { c.expireDue(id) })
	c.requests[id] = &request{res: req, timer: timer}
	c.version++
	c.emitPut(req)
}

// expireDue removes the request if its time is up, and tells the watchers at
// once or later. A timer that fired just as the request was replaced finds a
// later expiry and leaves it alone.
func (c *Cluster) expireDue(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req, err := c.getLocked(id)
	if err != nil || c.closed || req.Expiry().After(time.Now()) {
		return
	}
	_, _ = c.hideLocked(id) // it is there: the lock is held
	switch {
	case c.cfg.NoDeleteAtExpiry:
	case c.cfg.DeleteDelay == 0 || c.cfg.ReadPastExpiry:
		c.emitDelete(id)
	default:
		c.later(c.cfg.DeleteDelay, func() { c.emitDelete(id) })
	}
}

// later calls tell after d, under the lock, unless the cluster is closed then.
func (c *Cluster) later(d time.Duration, tell func()) {
	time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			tell()
		}
	})
}

// index is all requests in one order. It is built when it is asked for, and
// again once a request has changed.
type index []indexEntry

type indexEntry struct{ key, id string }

type cachedIndex struct {
	version uint64
	entries index
}

func (c *Cluster) indexLocked(sort proto.AccessRequestSort) index {
	if cached, ok := c.indexes[sort]; ok && cached.version == c.version {
		return cached.entries
	}
	entries := make(index, 0, len(c.requests))
	for id, r := range c.requests {
		entries = append(entries, indexEntry{key: sortKey(sort, r.res), id: id})
	}
	slices.SortFunc(entries, func(a, b indexEntry) int { return strings.Compare(a.key, b.key) })
	c.indexes[sort] = cachedIndex{version: c.version, entries: entries}
	return entries
}

// sortKey ends with the id, so that it is unique and can be resumed from.
func sortKey(sort proto.AccessRequestSort, req *types.AccessRequestV3) string {
	switch sort {
	case proto.AccessRequestSort_CREATED:
		return req.GetCreationTime().UTC().Format("2006-01-02T15:04:05.000000000Z") + "/" + req.GetName()
	case proto.AccessRequestSort_STATE:
		return req.GetState().String() + "/" + req.GetName()
	case proto.AccessRequestSort_USER:
		return req.GetUser() + "/" + req.GetName()
	default:
		return req.GetName()
	}
}

func clone(req *types.AccessRequestV3) *types.AccessRequestV3 {
	return utils.CloneProtoMsg(req)
}

func denied(kind, verb string) error {
	return trace.AccessDenied("access denied to perform action %q on %q", verb, kind)
}

func errAdminActionMFA() error {
	return trace.AccessDenied("admin-level API request requires MFA verification")
}
