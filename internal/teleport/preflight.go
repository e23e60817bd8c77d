package teleport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
	"teleport-jira/internal/preflight"
)

// area is the Area of all findings here.
const area = "teleport"

// Names of the findings that a Preflight may end with.
const (
	nameAddress  = "address"
	nameIdentity = "identity"
	nameVersion  = "version"
	nameRights   = "rights and mode of decisions"
)

// minOnBehalf is the oldest cluster that takes reviews on behalf of others.
const minOnBehalf = "18.11.0"

// minRemaining is the remaining life of a certificate, which nothing renews,
// below which it is worth a warning.
const minRemaining = 72 * time.Hour

// Preflight connects once, runs the Client's checks and closes the connection.
// When that fails, a finding is a failure that says why, and the last ones name
// what could not be checked.
func Preflight(ctx context.Context, cfg Config, deps Deps) []preflight.Finding {
	c, err := Connect(ctx, cfg, deps)
	if err != nil {
		return unreached(nil, err)
	}
	defer c.Close()
	findings, err := c.Preflight(ctx)
	if err != nil {
		return unreached(findings, err)
	}
	return findings
}

// unreached adds why the cluster could not be asked, and what was not checked.
func unreached(findings []preflight.Finding, err error) []preflight.Finding {
	failure := connectFinding(err)
	findings = append(findings, failure)
	for _, name := range []string{nameIdentity, nameVersion, nameRights} {
		if name != failure.Name {
			findings = append(findings, preflight.Finding{
				Area: area, Name: name, Level: preflight.Skipped, Detail: "the cluster has to answer and to take the identity first",
			})
		}
	}
	return findings
}

// WithFix adds to an error of Connect what to do about it.
func WithFix(err error) error { return fmt.Errorf("%w; to do: %s", err, connectFinding(err).Fix) }

// connectFinding is the failure for an error of Connect.
func connectFinding(err error) preflight.Finding {
	f := preflight.Finding{
		Area: area, Name: nameAddress, Level: preflight.Failure, Detail: err.Error(),
		Fix: "check teleport.auth_server, the way to it (DNS, firewall, proxy), and whether the cluster runs",
	}
	switch {
	case errors.Is(err, errUntrusted):
		f.Fix = "name a PEM file with the CA of the Proxy Service's web certificate in teleport.ca_file"
	case errors.Is(err, errOtherName):
		f.Fix = "set teleport.auth_server to that name, which is the Proxy Service's public_addr; the firewall has to allow it, too"
	case errors.Is(err, errNotTeleport):
		f.Fix = "see that teleport.auth_server is the address of the Proxy Service and what is in front of it: this is a balancer's or another server's answer"
	case strings.Contains(err.Error(), "failed to switch Protocols"), strings.Contains(err.Error(), "connection upgrade call"):
		f.Fix = "a balancer that terminates TLS is in front of the Proxy Service: upgrade the Proxy to 15.1 or newer, or let the balancer pass TLS through"
	case errors.Is(err, errTooOld):
		f.Name, f.Fix = nameVersion, "upgrade the cluster"
	case errors.Is(err, errIdentity):
		f.Name = nameIdentity
		f.Fix = "write a new identity with tbot or `tctl auth sign --format=file`, and see that the daemon's user may read it"
	case strings.Contains(err.Error(), "is in force"):
		f.Fix = "a lock shuts the daemon out: `tctl get locks` shows it, and `tctl rm lock/NAME` ends it"
	case access.ClassOf(err) == access.Permanent:
		f.Fix = "see what the cluster says, and whether its user and roles still exist"
	}
	return f
}

// Preflight checks what the daemon needs of the cluster and changes nothing.
// Rights are computed from the daemon's own roles and not tried out: a list
// without the right to list returns the caller's own requests, and a write has
// an effect. What a role allows for some requests only, by a condition or by
// the requested roles, shows with each request. An error means that the cluster
// could not be asked.
func (c *Client) Preflight(ctx context.Context) ([]preflight.Finding, error) {
	conn, err := c.acquire()
	if err != nil {
		return nil, &access.Error{Op: "check cluster", Class: access.Permanent, Err: err}
	}
	defer conn.release()
	if err := c.inspect(ctx, conn); err != nil {
		return nil, err
	}
	at := *c.cluster.Load()
	findings := []preflight.Finding{
		finding(nameAddress, fmt.Sprintf("cluster %s answers at %s", at.name, c.cfg.Addr)),
		c.checkIdentity(conn.id, time.Now()),
		finding(nameVersion, fmt.Sprintf("cluster %s runs %s, %s or newer is needed", at.name, at.version, c.cfg.MinVersion)),
		checkWorkflows(at),
	}
	for _, n := range baseNeeds() {
		findings = append(findings, checkNeed(n, at.own))
	}
	findings = append(findings, c.checkMode(at))
	for _, n := range c.cfg.furtherNeeds() {
		findings = append(findings, checkNeed(n, at.own))
	}
	return append(findings, c.checkRules(ctx)...), nil
}

// checkRules says whether access monitoring rules are followed, and what those
// that concern the daemon come to. That they can't be read is no fault: nobody may
// use them.
func (c *Client) checkRules(ctx context.Context) []preflight.Finding {
	const name = "access monitoring rules"
	if !c.cfg.MonitoringRules {
		return nil
	}
	rules, err := c.MonitoringRules(ctx)
	switch {
	case trace.IsNotImplemented(err):
		return []preflight.Finding{finding(name, "not followed: the cluster is too old for them")}
	case trace.IsAccessDenied(err):
		return []preflight.Finding{finding(name, "not followed, the daemon's roles may not read them; to have them followed "+permRules().String())}
	case err != nil:
		return []preflight.Finding{{Area: area, Name: name, Level: preflight.Warning, Detail: err.Error(), Fix: "see whether the cluster works, and check again"}}
	}
	findings := []preflight.Finding{finding(name, fmt.Sprintf("followed, rules about access requests: %d", len(rules)))}
	if c.explain == nil {
		return findings
	}
	for _, f := range c.explain(rules) {
		f.Area = area
		findings = append(findings, f)
	}
	return findings
}

// finding returns one that is OK.
func finding(name, detail string) preflight.Finding {
	return preflight.Finding{Area: area, Name: name, Level: preflight.OK, Detail: detail}
}

// checkWorkflows reports whether the cluster has reviews.
func checkWorkflows(at cluster) preflight.Finding {
	const name = "advanced access workflows"
	if !at.advanced {
		return finding(name, "not in this cluster: decisions can set a request's state only, thresholds don't apply")
	}
	return finding(name, "available: decisions can be reviews")
}

func (c *Client) checkIdentity(id identity, now time.Time) preflight.Finding {
	f := finding(nameIdentity, fmt.Sprintf("user %q, valid until %s", id.user, id.expires.UTC().Format(time.RFC3339)))
	remaining := id.expires.Sub(now)
	switch {
	case remaining <= 0:
		f.Level, f.Fix = preflight.Failure, "renew the identity: its certificate has expired"
	case !c.cfg.RefreshIdentity && remaining < minRemaining:
		f.Level, f.Fix = preflight.Warning, "renew it, and set refresh_identity = true if something renews the file"
	}
	return f
}

// checkNeed reports whether the roles hold a permission.
func checkNeed(needed need, own rights) preflight.Finding {
	f := finding(needed.name, "allowed by the daemon's roles")
	got := needed.got(own)
	switch {
	case !own.known:
		f.Level, f.Detail = preflight.Warning, "the server does not show the daemon's roles"
		f.Fix = "make sure of it: " + needed.String()
	case got == denied:
		f.Level, f.Detail, f.Fix = preflight.Failure, "not allowed by any of the daemon's roles", needed.String()
	case got == conditional:
		f.Level, f.Detail = preflight.Warning, "allowed under a condition (where), which may leave requests out"
		f.Fix = fmt.Sprintf("take the condition (where) off the rules of the daemon's roles for %s: %s, or accept that", needed.kind, needed.verbs)
	}
	return f
}

// checkMode reports whether decisions can be submitted in the mode in use.
func (c *Client) checkMode(at cluster) preflight.Finding {
	f := finding("submit decisions", fmt.Sprintf("mode %s: %s", at.mode, at.modeReason))
	missing := at.own.missingFor(at.mode)
	switch {
	case missing != "":
		f.Level, f.Fix = preflight.Failure, c.missingRule(at.mode)
		f.Detail += "; " + missing
	case at.mode == access.ModeOnBehalf && !versionAtMin(at.version, minOnBehalf):
		f.Level, f.Fix = preflight.Failure, "set [review] mode to auto, or upgrade the cluster to "+minOnBehalf
		f.Detail += fmt.Sprintf("; the cluster runs %s, and takes reviews on behalf of others from %s on", at.version, minOnBehalf)
	case at.mode == access.ModeOnBehalf:
		f.Level, f.Fix = preflight.Warning, "make sure of it: "+c.missingRule(at.mode)
		f.Detail += "; whether the cluster takes reviews on behalf of others is not visible from here"
	case c.bypassesReviews(at):
		f.Level, f.Fix = preflight.Warning, bypassFix
		f.Detail += "; thresholds don't apply, and requests that ask for more than one person are not decided"
	case !at.own.known:
		f.Level, f.Fix = preflight.Warning, "make sure of it: "+c.missingRule(at.mode)
		f.Detail += "; the server does not show the daemon's roles"
	}
	if at.mode != access.ModeState && !at.advanced {
		f.Level, f.Fix = preflight.Failure, "set [review] mode to auto or state"
		f.Detail = fmt.Sprintf("mode %s: %s, but the cluster has no advanced access workflows, which reviews need",
			at.mode, at.modeReason)
	}
	return f
}
