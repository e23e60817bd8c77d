package teleport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/client/proto"

	"teleport-jira/internal/access"
)

// cluster is what was read of the cluster, and the review mode that follows.
type cluster struct {
	name       string
	version    string
	proxy      string // public address of its Proxy; may be empty
	advanced   bool   // has advanced access workflows, which reviews need
	own        rights // of the daemon's roles
	reviews    bool   // the daemon's roles grant reviews, or did since the start
	mode       access.ReviewMode
	modeReason string // why mode was chosen, for people to read
}

// errTooOld: the cluster's version is below the minimum.
var errTooOld = errors.New("the oldest version that works")

// inspect reads the cluster's version and features and the daemon's rights, and
// chooses the review mode. It runs at connect and before a new subscription,
// because clusters are upgraded while the daemon runs.
func (c *Client) inspect(ctx context.Context, conn *connection) error {
	pong, err := callOver(ctx, c.metrics, conn.api, methodPing(), c.cfg.Addr,
		func(ctx context.Context, a api) (proto.PingResponse, error) { return a.Ping(ctx) })
	if err != nil {
		return err
	}
	if !versionAtMin(pong.ServerVersion, c.cfg.MinVersion) {
		return &access.Error{
			Op: opConnect, Key: c.cfg.Addr, Class: access.Permanent,
			Err: fmt.Errorf("cluster %s runs Teleport %s, and %s is %w",
				pong.ClusterName, pong.ServerVersion, c.cfg.MinVersion, errTooOld),
		}
	}
	own, err := c.readRights(ctx, conn.api)
	if err != nil {
		return err
	}
	c.setCluster(cluster{
		name: pong.ClusterName, version: pong.ServerVersion, proxy: pong.ProxyPublicAddr,
		advanced: pong.ServerFeatures.GetAdvancedAccessWorkflows(), own: own,
	})
	conn.setInspected()
	return nil
}

// setCluster chooses the review mode for now and publishes it. The mode and its
// reason are logged when they change.
func (c *Client) setCluster(now cluster) {
	before := c.cluster.Load()
	now.reviews = now.own.reviewGranted || before != nil && before.reviews
	now.mode, now.modeReason = chooseMode(c.cfg.ReviewMode, now.advanced, now.reviews, now.own)
	c.cluster.Store(&now)
	if !c.logged.Changed("review mode", string(now.mode)+now.modeReason) {
		return
	}
	c.log.Info("review mode chosen", "mode", now.mode, "why", now.modeReason,
		"cluster", now.name, "teleport_version", now.version)
	if missing := now.own.missingFor(now.mode); missing != "" {
		c.log.Warn("no decision made in jira can be submitted", "mode", now.mode, "why", missing,
			"fix", "teleport-jira check names the rule to add")
	} else if c.bypassesReviews(now) {
		c.log.Warn("decisions made in jira are set as the request's state, past the cluster's thresholds",
			"mode", now.mode, "why", now.modeReason, "fix", bypassFix)
	}
}

// RequestURL returns the request's page in the cluster's web UI, or "" for
// a cluster that does not publish its Proxy's address.
func (c *Client) RequestURL(id access.RequestID) string {
	proxy := c.cluster.Load().proxy
	if proxy == "" {
		return ""
	}
	return "https://" + proxy + "/web/requests/" + string(id)
}

// ClusterName returns the cluster's name.
func (c *Client) ClusterName() string { return c.cluster.Load().name }

// ReviewMode returns the mode in which decisions are submitted, never
// access.ModeAuto, and why it was chosen, for people to read.
func (c *Client) ReviewMode() (mode access.ReviewMode, reason string) {
	now := c.cluster.Load()
	return now.mode, now.modeReason
}

// bypassFix is what to do where decisions go past reviews that the cluster has.
const bypassFix = `give a role of the daemon allow.review_requests.roles, or write [review] mode = "state" where this is meant` //nolint:gosec // a text for people

// bypassesReviews reports whether states are set although the cluster has reviews
// and nobody asked for that.
func (c *Client) bypassesReviews(at cluster) bool {
	return c.cfg.ReviewMode == access.ModeAuto && at.mode == access.ModeState && at.advanced
}

// chooseMode resolves access.ModeAuto. Any other configured mode is kept,
// whether or not it can work: the preflight and refused decisions report that.
// A right to review that was taken away, or that a role denies, is no reason to
// set states, to which no thresholds apply.
func chooseMode(configured access.ReviewMode, advanced, reviews bool, own rights) (mode access.ReviewMode, reason string) {
	switch {
	case configured != access.ModeAuto:
		return configured, "configured"
	case !advanced:
		return access.ModeState, "the cluster has no advanced access workflows, which reviews need"
	case !own.known:
		return access.ModeReview, "the cluster has advanced access workflows; the daemon's roles can't be read"
	case own.review:
		return access.ModeReview, "the cluster has advanced access workflows and the daemon's roles may review"
	case reviews:
		return access.ModeReview, "the right to review was taken from the daemon's roles, which is no reason to set states"
	}
	return access.ModeState, "none of the daemon's roles has allow.review_requests"
}

// versionAtMin reports whether version is minimum or newer. A pre-release
// counts as its release: it speaks the same protocol. A version that can't be
// parsed is too old.
func versionAtMin(version, minimum string) bool {
	have, ok := parseVersion(version)
	if !ok {
		return false
	}
	want, ok := parseVersion(minimum)
	if !ok {
		return false
	}
	for i := range have {
		if have[i] != want[i] {
			return have[i] > want[i]
		}
	}
	return true
}

// parseVersion parses major, minor and patch of a semantic version.
func parseVersion(s string) (v [3]uint64, ok bool) {
	s = strings.TrimPrefix(s, "v")
	s, _, _ = strings.Cut(s, "+")
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) != len(v) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
