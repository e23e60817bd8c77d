package teleport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"teleport-jira/internal/access"
)

// Level is how a check came out.
type Level string

// The levels.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelFailure Level = "failure"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string
	Level  Level
	Detail string // what was found
	Fix    string // what to do about it; empty when Level is LevelOK
}

// renewBefore is when a certificate that nobody renews is worth a warning.
const renewBefore = 72 * time.Hour

// Names of the checks that a Preflight may end with.
const (
	nameAddress  = "address"
	nameIdentity = "identity"
	nameVersion  = "version"
)

// Preflight is Checks for a cluster that may not be reachable: it connects,
// once, looks, and closes the connection. What keeps it from looking is the
// last check, a failure.
func Preflight(ctx context.Context, cfg Config, deps Deps) []Check {
	c, err := Connect(ctx, cfg, deps)
	if err != nil {
		return []Check{obstacle(err)}
	}
	defer c.Close()
	checks, err := c.Checks(ctx)
	if err != nil {
		return append(checks, obstacle(err))
	}
	return checks
}

// WithFix is an error of Connect with what to do about it, for who sees no
// checks.
func WithFix(err error) error { return fmt.Errorf("%w; to do: %s", err, obstacle(err).Fix) }

// obstacle is the check that failed when err kept the others from being made.
func obstacle(err error) Check {
	check := Check{
		Name: nameAddress, Level: LevelFailure, Detail: err.Error(),
		Fix: "check teleport.auth_server, the way to it (DNS, firewall, proxy), and whether the cluster runs",
	}
	switch {
	case errors.Is(err, errTooOld):
		check.Name, check.Fix = nameVersion, "upgrade the cluster"
	case errors.Is(err, errIdentity):
		check.Name = nameIdentity
		check.Fix = "write a new identity with tbot or `tctl auth sign --format=file`, and see that the daemon's user may read it"
	case access.ClassOf(err) == access.Permanent:
		check.Fix = "see what the cluster says, and whether its user and roles still exist"
	}
	return check
}

// checkWorkflows says whether the cluster takes reviews at all.
func checkWorkflows(at cluster) Check {
	check := Check{Name: "advanced access workflows", Level: LevelOK, Detail: "available: decisions can be reviews"}
	if !at.advanced {
		check.Detail = "not in this cluster: decisions can set a request's state only, thresholds don't apply"
	}
	return check
}

// Checks looks at what the daemon needs of the cluster and changes nothing.
// Rights are read from the daemon's own roles, which the server shows to
// everybody who holds them: trying them out would prove nothing, since a list
// without the right to list is answered with the caller's own requests, and a
// write has an effect. What a role allows for some requests only, by a
// condition or by the requested roles, shows with each request. An error means
// that the cluster could not be asked.
func (c *Client) Checks(ctx context.Context) ([]Check, error) {
	l, err := c.hold()
	if err != nil {
		return nil, &access.Error{Op: "check cluster", Class: access.Permanent, Err: err}
	}
	defer l.release()
	if err := c.inspect(ctx, l); err != nil {
		return nil, err
	}
	own, _ := c.rights.get()
	at := *c.cluster.Load()
	checks := []Check{
		{Name: nameAddress, Level: LevelOK, Detail: fmt.Sprintf("cluster %s answers at %s", at.name, c.cfg.Addr)},
		c.checkIdentity(l.id, time.Now()),
		{
			Name: nameVersion, Level: LevelOK,
			Detail: fmt.Sprintf("cluster %s runs %s, %s or newer is needed", at.name, at.version, c.cfg.MinVersion),
		},
		checkWorkflows(at),
		checkGrant("list and read access requests", own, own.requests, needRequests()),
		checkGrant("keep the record in plugin data", own, own.data, needPluginData()),
		c.checkMode(own, at),
	}
	if c.cfg.NeedUsers {
		checks = append(checks, checkGrant("read users", own, own.users, needUsers()))
	}
	return checks, nil
}

func (c *Client) checkIdentity(id identity, now time.Time) Check {
	check := Check{
		Name: nameIdentity, Level: LevelOK,
		Detail: fmt.Sprintf("user %q, valid until %s", id.user, id.expires.UTC().Format(time.RFC3339)),
	}
	left := id.expires.Sub(now)
	switch {
	case left <= 0:
		check.Level, check.Fix = LevelFailure, "renew the identity: its certificate has expired"
	case !c.cfg.RefreshIdentity && left < renewBefore:
		check.Level, check.Fix = LevelWarning, "renew it, and set refresh_identity = true if something renews the file"
	}
	return check
}

// checkGrant says whether the roles allow what is needed.
func checkGrant(name string, own rights, got grant, needed need) Check {
	check := Check{Name: name, Level: LevelOK, Detail: "allowed by the daemon's roles"}
	switch {
	case !own.known:
		check.Level, check.Detail = LevelWarning, "the server does not show the daemon's roles"
		check.Fix = "make sure of it: " + needed.String()
	case got == refused:
		check.Level, check.Detail, check.Fix = LevelFailure, "not allowed by any of the daemon's roles", needed.String()
	case got == limited:
		check.Level, check.Detail = LevelWarning, "allowed under a condition (where), which may leave requests out"
		check.Fix = needed.String() + " without a condition"
	}
	return check
}

// checkMode says whether decisions can be submitted in the mode in use.
func (c *Client) checkMode(own rights, at cluster) Check {
	check := Check{
		Name: "submit decisions", Level: LevelOK, Detail: fmt.Sprintf("mode %s: %s", at.mode, at.why),
	}
	lack := own.lack(at.mode)
	switch {
	case lack != "":
		check.Level, check.Fix = LevelFailure, c.ruleFor(at.mode)
		check.Detail += "; " + lack
	case at.mode == access.ModeOnBehalf:
		check.Level, check.Fix = LevelWarning, "make sure of it: "+c.ruleFor(at.mode)
		check.Detail += "; whether the cluster takes reviews on behalf of others is not visible from here"
	case !own.known:
		check.Level, check.Fix = LevelWarning, "make sure of it: "+c.ruleFor(at.mode)
		check.Detail += "; the server does not show the daemon's roles"
	}
	if at.mode != access.ModeState && !at.advanced {
		check.Level, check.Fix = LevelFailure, "set [review] mode to auto or state"
		check.Detail = fmt.Sprintf("mode %s: %s, but the cluster has no advanced access workflows, which reviews need", at.mode, at.why)
	}
	return check
}
