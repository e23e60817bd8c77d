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

// cluster is what is known of the cluster and of the daemon's place in it.
type cluster struct {
	name     string
	version  string
	proxy    string // public address of its Proxy; may be empty
	advanced bool   // advanced access workflows: reviews are possible
	mode     access.ReviewMode
	why      string // why mode is what it is
}

// errTooOld: the cluster's version is below the minimum.
var errTooOld = errors.New("the oldest version that works")

// inspect asks the cluster what it is and settles the review mode. It is done
// at connect and again before a new subscription, since clusters are upgraded
// while the daemon runs.
func (c *Client) inspect(ctx context.Context, l *link) error {
	pong, err := callOver(ctx, c.metrics, l.api, methodPing(), c.cfg.Addr,
		func(ctx context.Context, a api) (proto.PingResponse, error) { return a.Ping(ctx) })
	if err != nil {
		return err
	}
	if !atLeast(pong.ServerVersion, c.cfg.MinVersion) {
		return &access.Error{
			Op: "connect to", Key: c.cfg.Addr, Class: access.Permanent,
			Err: fmt.Errorf("cluster %s runs Teleport %s, and %s is %w",
				pong.ClusterName, pong.ServerVersion, c.cfg.MinVersion, errTooOld),
		}
	}
	own, err := c.readRights(ctx, l.api)
	if err != nil {
		return err
	}
	c.settle(cluster{
		name: pong.ClusterName, version: pong.ServerVersion, proxy: pong.ProxyPublicAddr,
		advanced: pong.ServerFeatures.GetAdvancedAccessWorkflows(),
	}, own)
	l.noteInspected()
	return nil
}

// settle chooses the review mode by the rights and keeps what is known. The
// choice and its reason are logged whenever they change.
func (c *Client) settle(now cluster, own rights) {
	now.mode, now.why = resolveMode(c.cfg.ReviewMode, now.advanced, own)
	c.cluster.Store(&now)
	if c.warned.news("mode", string(now.mode)+now.why) {
		c.log.Info("review mode chosen", "mode", now.mode, "why", now.why,
			"cluster", now.name, "teleport_version", now.version)
		if lack := own.lack(now.mode); lack != "" {
			c.log.Warn("no decision made in jira can be submitted", "mode", now.mode, "why", lack,
				"fix", "teleport-jira check names the rule to add")
		}
	}
}

// RequestURL is the request's page in the cluster's web UI, or "" for a
// cluster that does not tell its Proxy's address.
func (c *Client) RequestURL(id access.RequestID) string {
	proxy := c.cluster.Load().proxy
	if proxy == "" {
		return ""
	}
	return "https://" + proxy + "/web/requests/" + string(id)
}

// ClusterName is the cluster's name.
func (c *Client) ClusterName() string { return c.cluster.Load().name }

// ReviewMode is the mode in which decisions are submitted, never
// access.ModeAuto, and why it was chosen, for people to read.
func (c *Client) ReviewMode() (mode access.ReviewMode, why string) {
	now := c.cluster.Load()
	return now.mode, now.why
}

// resolveMode settles which mode serves decisions. What an operator configured
// stands, whether or not it can work: the preflight and the answers say so.
func resolveMode(configured access.ReviewMode, advanced bool, own rights) (access.ReviewMode, string) {
	switch {
	case configured != access.ModeAuto:
		return configured, "configured"
	case !advanced:
		return access.ModeState, "the cluster has no advanced access workflows, which reviews need"
	case !own.known:
		return access.ModeReview, "the cluster has advanced access workflows; the daemon's roles can't be read"
	case own.review:
		return access.ModeReview, "the cluster has advanced access workflows and the daemon's roles may review"
	}
	return access.ModeState, "none of the daemon's roles has allow.review_requests"
}

// atLeast tells whether version is minimum or newer. A pre-release counts as
// its release: it speaks the same protocol. A version that is none is too old.
func atLeast(version, minimum string) bool {
	v, ok := parseVersion(version)
	if !ok {
		return false
	}
	least, ok := parseVersion(minimum)
	if !ok {
		return false
	}
	for i := range v {
		if v[i] != least[i] {
			return v[i] > least[i]
		}
	}
	return true
}

// parseVersion reads major, minor and patch of a semantic version.
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
