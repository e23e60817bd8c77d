package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/teleport"
)

// sideTimeout bounds the checks of one side.
const sideTimeout = 15 * time.Second

// CheckOptions are the command line's options for a preflight.
type CheckOptions struct {
	ConfigPath    string
	InsecureNoTLS bool // the daemon will be started so
	JSON          bool // write JSON, not text
	Stdout        io.Writer
	// DaemonUser is whom the daemon runs as, where the check runs as root and sees
	// more than that user; empty otherwise.
	DaemonUser string
}

// Check reads the configuration, checks all that it relies on without changing
// anything on either side, and writes the findings to Stdout. Both sides are
// checked at the same time, for a bounded time. It returns an error with the
// number of failed checks, if any failed.
func Check(ctx context.Context, o CheckOptions) error {
	findings := o.findings(ctx)
	write := func() error { return preflight.WriteText(o.Stdout, findings, preflight.Colours(o.Stdout, os.Getenv)) }
	if o.JSON {
		write = func() error { return preflight.WriteJSON(o.Stdout, findings) }
	}
	if err := write(); err != nil {
		return err
	}
	if n := preflight.Failures(findings); n > 0 {
		return fmt.Errorf("%w: %d of %d", errChecks, n, len(findings))
	}
	return nil
}

var errChecks = errors.New("checks failed")

func (o CheckOptions) findings(ctx context.Context) []preflight.Finding {
	cfg, err := config.Load(o.ConfigPath, config.Options{InsecureNoTLS: o.InsecureNoTLS})
	if err != nil {
		return unreadable(err)
	}
	sides := []func(context.Context, *config.Config) []preflight.Finding{
		checkTeleport, checkJira, o.checkHTTP, checkTelemetry,
	}
	found := make([][]preflight.Finding, len(sides))
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	var all sync.WaitGroup
	for i, side := range sides {
		all.Go(func() { found[i] = side(ctx, cfg) })
	}
	all.Wait()
	return append(o.checkConfig(cfg), slices.Concat(found...)...)
}

// unreadable returns a finding for each fault of a configuration.
func unreadable(err error) []preflight.Finding {
	var faults config.Faults
	if !errors.As(err, &faults) {
		faults = config.Faults{{Msg: err.Error()}}
	}
	findings := make([]preflight.Finding, 0, len(faults))
	for _, f := range faults {
		findings = append(findings, configFinding(preflight.Failure, f, "correct the configuration"))
	}
	return findings
}

func configFinding(level preflight.Level, f config.Fault, fix string) preflight.Finding {
	name := f.Key
	if name == "" {
		name = "file"
	}
	f.Key = ""
	return preflight.Finding{Area: "configuration", Name: name, Level: level, Detail: f.String(), Fix: fix}
}

// checkConfig returns the findings about a valid configuration.
func (o CheckOptions) checkConfig(cfg *config.Config) []preflight.Finding {
	findings := []preflight.Finding{{
		Area: "configuration", Name: "file", Level: preflight.OK, Detail: o.ConfigPath + " is valid",
	}}
	if o.DaemonUser != "" {
		findings = append(findings, o.checkUser(cfg))
	}
	for _, w := range cfg.Warnings {
		findings = append(findings, configFinding(preflight.Warning, w, w.Fix))
	}
	findings = append(findings, whoDecides(cfg)...)
	findings = append(findings, openRules(cfg)...)
	return append(findings, checkLog(cfg.Log.Output)...)
}

// checkUser says, where root checks, which files the daemon's user can't read.
func (o CheckOptions) checkUser(cfg *config.Config) preflight.Finding {
	f := preflight.Finding{
		Area: "configuration", Name: "user", Level: preflight.OK,
		Detail: "by owner and mode the daemon's user, " + o.DaemonUser + ", reads all files that the configuration names",
	}
	unreadable, err := unreadableFor(o.DaemonUser, o.files(cfg))
	switch {
	case err != nil:
		f.Level, f.Detail = preflight.Warning, "this check runs as root and reads files that the daemon may not, which runs as "+o.DaemonUser
		f.Fix = fmt.Sprintf("run it as that user: sudo -u %s teleport-jira check -c %s", o.DaemonUser, o.ConfigPath)
	case len(unreadable) > 0:
		f.Level, f.Detail = preflight.Failure, fmt.Sprintf("the daemon runs as %s, which may not read %s", o.DaemonUser, strings.Join(unreadable, ", "))
		f.Fix = "give it to that user (chown, and chmod 600), and let it into the directories above; then check as that user: " +
			fmt.Sprintf("sudo -u %s teleport-jira check -c %s", o.DaemonUser, o.ConfigPath)
	}
	return f
}

// checkLog checks that the log can be written, if it goes to a file.
func checkLog(output string) []preflight.Finding {
	file, err := logging.Writable(output)
	if !file {
		return nil
	}
	f := preflight.Finding{Area: "configuration", Name: "log.output", Level: preflight.OK, Detail: output + " can be written"}
	if err != nil {
		f.Level, f.Detail = preflight.Failure, err.Error()
		f.Fix = "make its directory, and let the user that the daemon runs as write there"
	}
	return []preflight.Finding{f}
}

func checkTeleport(ctx context.Context, cfg *config.Config) []preflight.Finding {
	deps := teleport.Deps{
		Logger: slog.New(slog.DiscardHandler), Metrics: teleport.NewMetrics(prometheus.NewRegistry()),
		DescribeRules: func(rules []access.MonitoringRule) []preflight.Finding { return describeRules(cfg, rules) },
	}
	return teleport.Preflight(ctx, teleportConfig(cfg), deps)
}

func checkJira(ctx context.Context, cfg *config.Config) []preflight.Finding {
	token := func() string { return jiraSecret(cfg) }
	client, err := jira.New(jiraConfig(cfg, token), jira.Deps{})
	if err != nil {
		return []preflight.Finding{{
			Area: sideJira, Name: "settings", Level: preflight.Failure, Detail: err.Error(), Fix: "correct the configuration",
		}}
	}
	defer client.Close()
	want := expect(cfg)
	want.Thorough, want.Groups, want.People = true, groups(cfg), people(cfg)
	findings, err := client.Preflight(ctx, want)
	if err != nil && preflight.Failures(findings) == 0 {
		findings = slices.Insert(findings, 0, preflight.Finding{
			Area: sideJira, Name: "address", Level: preflight.Failure, Detail: err.Error(),
			Fix: "check jira.url, the way to it (DNS, firewall, proxy, CA), and whether Jira works",
		})
	}
	return findings
}

// people returns the Jira accounts that the configuration names, once each.
func people(cfg *config.Config) []string {
	named := slices.Concat(cfg.Review.Approvers, slices.Collect(maps.Keys(cfg.Review.Users)))
	for _, r := range cfg.Jira.Routes {
		named = append(named, r.Approvers...)
	}
	if assignee := cfg.Jira.Issue.Assignee; assignee != "" {
		named = append(named, assignee)
	}
	slices.Sort(named)
	return slices.Compact(named)
}

// groups returns the groups whose members may decide, once each.
func groups(cfg *config.Config) []string {
	named := slices.Clone(cfg.Review.ApproverGroups)
	for _, r := range cfg.Jira.Routes {
		named = append(named, r.ApproverGroups...)
	}
	slices.Sort(named)
	return slices.Compact(named)
}

func (o CheckOptions) checkHTTP(ctx context.Context, cfg *config.Config) []preflight.Finding {
	const area = "http"
	h := cfg.HTTP
	if !h.Enabled {
		detail := fmt.Sprintf("off: Jira is asked every %s", cfg.Reconcile.PollInterval)
		if cfg.Reconcile.PollInterval == 0 {
			detail = fmt.Sprintf("off, and so is polling: Jira is asked every %s", cfg.Reconcile.ResyncInterval)
		}
		return []preflight.Finding{{Area: area, Name: "listener", Level: preflight.OK, Detail: detail}}
	}
	listener := preflight.Listener{ListenAddr: h.ListenAddr, PublicAddr: h.PublicAddr, ClientCerts: h.TLS.VerifyClientCert}
	if !o.InsecureNoTLS {
		listener.CertFile, listener.KeyFile = h.HTTPSCertFile, h.HTTPSKeyFile
	}
	proof := preflight.Finding{Area: area, Name: "authentication", Level: preflight.OK, Detail: "webhooks are authenticated"}
	if !h.Authenticated() {
		proof.Level, proof.Detail = preflight.Warning, "none: anybody who reaches the listener can make the daemon read issues"
		proof.Fix = "set http.webhook_secret, http.header_name or http.basic_auth"
	}
	return append(preflight.Webhook(ctx, listener), proof)
}

func checkTelemetry(ctx context.Context, cfg *config.Config) []preflight.Finding {
	if cfg.Telemetry.ListenAddr == "" {
		return nil
	}
	return []preflight.Finding{preflight.Listen(ctx, "telemetry", cfg.Telemetry.ListenAddr)}
}

// whoDecides says in words what the rules come to, for whoever has to answer for
// them.
func whoDecides(cfg *config.Config) []preflight.Finding {
	r := cfg.Review
	rest := ""
	if r.RequireSuggestedReviewer {
		rest += ", if the request suggests them as reviewer"
	}
	if r.Identity.Required {
		rest += ", if their account is mapped to a Teleport user"
	}
	if !r.AllowSelfApproval {
		rest += "; nobody their own request"
	}
	if len(r.Denied) > 0 {
		rest += "; never " + strings.Join(r.Denied, ", ")
	}
	found := []preflight.Finding{{
		Area: "configuration", Name: "who may decide", Level: preflight.OK, Detail: deciders(r.Approvers, r.ApproverGroups) + rest,
	}}
	for i, route := range cfg.Jira.Routes {
		if !route.Skip && len(route.Approvers)+len(route.ApproverGroups) > 0 {
			found = append(found, preflight.Finding{
				Area: "configuration", Name: fmt.Sprintf("who may decide by jira.routes[%d]", i), Level: preflight.OK,
				Detail: deciders(route.Approvers, route.ApproverGroups) + rest,
			})
		}
	}
	return found
}

// deciders names those whom the rules name.
func deciders(approvers, groups []string) string {
	named := slices.Clone(approvers)
	for _, group := range groups {
		named = append(named, "members of "+group)
	}
	if len(named) == 0 {
		return "anybody who may move the issue"
	}
	return strings.Join(named, ", ")
}

// openRules returns a warning for each thing that the configured rules for
// deciding leave open. They are legitimate choices, so that they are no faults
// of the configuration; whoever made them should know what they mean.
func openRules(cfg *config.Config) []preflight.Finding {
	var open []preflight.Finding
	warn := func(key, detail, fix string) {
		open = append(open, preflight.Finding{
			Area: "configuration", Name: key, Level: preflight.Warning, Detail: detail, Fix: fix,
		})
	}
	r := cfg.Review
	if !r.Identity.Required {
		warn("review.identity.required", "false: accounts that no Teleport user is known for decide, too, and requesters whom Jira shows under another name are not recognised",
			"set review.identity.user_trait, review.identity.match_email or [review.users]")
	}
	if r.RequireSuggestedReviewer && len(r.Approvers) == 0 && len(r.ApproverGroups) == 0 {
		warn("review.require_suggested_reviewer", "the only rule about who may decide, and no authorisation: whoever requests names the reviewers",
			"set review.approvers or review.approver_groups, too")
	}
	hidden := plan.HiddenRoutes(policy(cfg, "").Routes)
	for _, i := range slices.Sorted(maps.Keys(hidden)) {
		warn(fmt.Sprintf("jira.routes[%d]", i), fmt.Sprintf("no request gets here: jira.routes[%d] takes all that it matches", hidden[i]),
			"put the narrower route first")
	}
	return open
}
