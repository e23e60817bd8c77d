package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// validator checks what the types alone can't, and normalizes the
// configuration. It adds to the decoder's faults, except for keys that already
// have one.
type validator struct {
	*decoder
	c    *Config
	opts Options
}

// fault records what is wrong at key, unless there is a fault already at it, at
// a part of it or at a table around it.
func (v *validator) fault(key, msg string) {
	if !v.isBroken(key) {
		v.decoder.fault(key, msg)
	}
}

// isBroken reports whether one of the keys has a fault already, by either form of a
// secret's key. What follows from a value that is not known is no fault of its own.
func (v *validator) isBroken(keys ...string) bool {
	for broken := range v.broken {
		broken = oneForm(broken)
		for _, key := range keys {
			if key = oneForm(key); within(broken, key) || within(key, broken) {
				return true
			}
		}
	}
	return false
}

// oneForm is the key by which both forms of a secret's key are known.
func oneForm(key string) string { return strings.TrimSuffix(key, "_file") }

// within reports whether inner is outer or lies inside it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// validate checks every section, also after a fault in another.
func (v *validator) validate() {
	v.readSecrets()
	v.teleport()
	v.jira()
	v.statuses()
	v.access()
	v.issue()
	v.routes()
	v.http()
	v.review()
	v.reconcile()
	v.telemetry()
	v.log()
	v.readable()
	v.writable()
}

// teleport checks the section [teleport] and merges its two address keys.
func (v *validator) teleport() {
	t := &v.c.Teleport
	switch {
	case t.Addr == "" && t.AuthServer == "" && v.isBroken("teleport.addr"):
	case t.Addr == "" && t.AuthServer == "":
		v.fault("teleport.auth_server", "must be set (or its older name addr)")
	case t.Addr != "" && t.AuthServer != "" && t.Addr != t.AuthServer:
		v.fault("teleport.addr", "differs from auth_server, which is the same key's newer name; give one")
	case t.Addr == "":
		t.Addr = t.AuthServer
		v.hostPort("teleport.auth_server", t.Addr)
	default:
		v.hostPort("teleport.addr", t.Addr)
	}
	t.AuthServer = t.Addr
	v.credentials(t)
	v.monitoring(t)
	v.atLeast("teleport.refresh_identity_interval", t.RefreshIdentityInterval, time.Second)
}

// credentials checks that there is an identity or a complete key pair.
func (v *validator) credentials(t *Teleport) {
	pair := []struct{ key, path string }{
		{"teleport.client_key", t.ClientKey},
		{"teleport.client_crt", t.ClientCrt},
		{"teleport.root_cas", t.RootCAs},
	}
	given := 0
	for _, p := range pair {
		if p.path != "" {
			given++
		}
	}
	switch {
	case t.Identity != "" && given > 0:
		v.fault("teleport.identity", "excludes client_key, client_crt and root_cas; give one or the other")
	case t.Identity == "" && v.isBroken("teleport.identity", "teleport.client_key", "teleport.client_crt", "teleport.root_cas"):
	case t.Identity == "" && given == 0:
		v.fault("teleport.identity", "must be set (or all of client_key, client_crt and root_cas)")
	case t.Identity == "":
		for _, p := range pair {
			if p.path == "" {
				v.fault(p.key, "must be set together with the other two of client_key, client_crt and root_cas")
			}
		}
	}
}

// jira checks the keys of the section [jira] itself.
func (v *validator) jira() {
	j := &v.c.Jira
	v.jiraURL()
	v.oauth()
	if len(j.APIToken) == 0 && j.OAuth.ClientID == "" && !v.isBroken("jira.oauth") {
		v.fault("jira.api_token", "must be set (or api_token_file)")
	}
	if strings.ContainsRune(j.Username, ':') {
		v.fault("jira.username", "must not contain a colon")
	}
	if j.Username == "" && j.Deployment == "cloud" && j.OAuth.ClientID == "" && !v.isBroken("jira.oauth") {
		v.fault("jira.username", "must be set for Jira Cloud")
	}
	if j.Project == "" {
		v.fault("jira.project", "must be set")
	}
	v.project("jira.project", &j.Project)
	if j.IssueType == "" {
		j.IssueType = Default().Jira.IssueType
	}
	v.oneOf("jira.deployment", &j.Deployment, "auto", "cloud", "datacenter")
	v.between("jira.concurrency", j.Concurrency, 1, 10000)
	if !(j.RequestsPerSecond >= 0) || math.IsInf(j.RequestsPerSecond, 0) {
		v.fault("jira.requests_per_second", "must be 0 or more")
	}
	for key, value := range j.Fields {
		v.field(join("jira.fields", key), value)
	}
}

// statuses checks that every state has a status, except that an empty list for
// expired leaves the issue where it is, and that no status could be mistaken for
// the opposite of what it means.
func (v *validator) statuses() {
	s := &v.c.Jira.Statuses
	promotedGiven := v.lines.has("jira.statuses.promoted")
	if !promotedGiven {
		s.Promoted = s.Approved
	}
	states := []struct {
		key   string
		names Names
	}{
		{"pending", s.Pending},
		{"approved", s.Approved},
		{"denied", s.Denied},
		{"expired", s.Expired},
		{"promoted", s.Promoted},
	}
	if !promotedGiven {
		states = states[:len(states)-1] // what is wrong with it is wrong with approved
	}
	for _, state := range states {
		key := "jira.statuses." + state.key
		leaves := state.key == "expired" && state.names != nil // by a list, and not by ""
		if len(state.names) == 0 && !leaves || slices.Contains(state.names, "") {
			v.fault(key, "must be a status name or id, or a list of them")
		}
		if state.key != "pending" {
			v.disjoint(key, state.names, "pending", s.Pending)
		}
	}
	v.disjoint("jira.statuses.denied", s.Denied, "approved", s.Approved)
}

// disjoint checks that the statuses at key are none of another state's.
func (v *validator) disjoint(key string, names Names, state string, others Names) {
	for _, name := range names {
		for _, other := range others {
			if strings.EqualFold(name, other) {
				v.fault(key, fmt.Sprintf("%q is also a status of %s", name, state))
			}
		}
	}
}

// issue checks the section [jira.issue].
func (v *validator) issue() {
	i := &v.c.Jira.Issue
	v.template("jira.issue.summary", i.Summary, templates.Plain)
	v.template("jira.issue.description", i.Description, templates.Wiki)
	v.labels("jira.issue.labels", i.Labels)
	v.noneEmpty("jira.issue.components", i.Components)
	v.oneOf("jira.issue.reporter", &i.Reporter, "bot", "requester")
	v.oneOf("jira.issue.comment_visibility", &i.CommentVisibility, "public", "internal")
}

// routes checks the sections [[jira.routes]].
func (v *validator) routes() {
	for i := range v.c.Jira.Routes {
		r := &v.c.Jira.Routes[i]
		key := index("jira.routes", i)
		for n, glob := range r.Roles {
			v.glob(index(key+".roles", n), glob)
		}
		for name, values := range r.Annotations {
			if len(values) == 0 {
				v.fault(join(key+".annotations", name), "must have at least one value")
			}
		}
		v.project(key+".project", &r.Project)
		v.labels(key+".labels", r.Labels)
		v.handles(key+".approvers", r.Approvers)
		v.groups(key+".approver_groups", r.ApproverGroups)
		if r.Skip && (r.Project != "" || r.IssueType != "" || len(r.Labels) > 0) {
			v.fault(key+".skip", "excludes project, issue_type and labels: there is no issue to put them on")
		}
	}
}

// shortestDecisionAge leaves time for a move to be seen by polling and tried
// again.
const shortestDecisionAge = 5 * time.Minute

// review checks the section [review].
func (v *validator) review() {
	r := &v.c.Review
	v.oneOf("review.mode", &r.Mode, "auto", "review", "on_behalf", "state")
	v.handles("review.approvers", r.Approvers)
	v.handles("review.denied", r.Denied)
	v.groups("review.approver_groups", r.ApproverGroups)
	if r.MaxDecisionAge != 0 {
		v.atLeast("review.max_decision_age", r.MaxDecisionAge, shortestDecisionAge)
	}
	v.identity()
	v.reviewUsers(r.Users)
}

// identity settles whether accounts have to be mapped to decide.
func (v *validator) identity() {
	r := &v.c.Review
	mapped := r.Identity.UserTrait != "" || r.Identity.MatchEmail || len(r.Users) > 0
	const key = "review.identity.required"
	switch _, written := v.lines.at[key]; {
	case !written:
		r.Identity.Required = mapped
	case r.Identity.Required && !mapped:
		v.fault(key, "nobody could decide: set user_trait, match_email or [review.users], too")
	}
}

// handles checks names of accounts.
func (v *validator) handles(key string, handles []string) {
	for i, handle := range handles {
		if err := access.ParseHandle(handle).Validate(); err != nil {
			v.fault(index(key, i), err.Error())
		}
	}
}

// groups checks names of groups.
func (v *validator) groups(key string, handles []string) {
	for i, handle := range handles {
		if err := access.ParseGroup(handle).Validate(); err != nil {
			v.fault(index(key, i), err.Error())
		}
	}
}

// reviewUsers finds accounts that name nobody, or two users: user names and
// e-mails are compared without regard to case.
func (v *validator) reviewUsers(users map[string]string) {
	seen := map[string]string{}
	for _, account := range slices.Sorted(maps.Keys(users)) {
		key := join("review.users", account)
		if access.ParseHandle(account).Validate() != nil || users[account] == "" {
			v.fault(key, "must name a Jira account and a Teleport user")
		}
		other, known := seen[strings.ToLower(account)]
		if known && users[other] != users[account] {
			v.fault(key, fmt.Sprintf("names another Teleport user than %q, which differs in upper and lower case only", other))
		}
		seen[strings.ToLower(account)] = account
	}
}

// reconcile checks the section [reconcile].
func (v *validator) reconcile() {
	r := &v.c.Reconcile
	v.between("reconcile.workers", r.Workers, 1, 10000)
	v.atLeast("reconcile.resync_interval", r.ResyncInterval, time.Second)
	if r.PollInterval != 0 {
		v.atLeast("reconcile.poll_interval", r.PollInterval, time.Second)
	}
}

// log checks the section [log] and brings the existing plugin's spellings into
// one form.
func (v *validator) log() {
	l := &v.c.Log
	switch l.Output {
	case "", "error", "2":
		l.Output = "stderr"
	case "out", "1":
		l.Output = "stdout"
	}
	l.Severity = strings.ToUpper(l.Severity)
	switch l.Severity {
	case "WARNING":
		l.Severity = "WARN"
	case "ERR":
		l.Severity = "ERROR"
	}
	v.oneOf("log.severity", &l.Severity, "INFO", "DEBUG", "WARN", "ERROR")
	v.oneOf("log.format", &l.Format, "text", "json")
}

// readable warns of files with private keys that everybody may read, and of a
// configuration file with a secret in it.
func (v *validator) readable() {
	c := v.c
	v.warnReadable("teleport.identity", c.Teleport.Identity)
	v.warnReadable("teleport.client_key", c.Teleport.ClientKey)
	v.warnReadable("http.https_key_file", c.HTTP.HTTPSKeyFile)
	inline := []struct {
		key   string
		given bool
	}{
		{"jira.api_token", len(c.Jira.APIToken) > 0 && c.Jira.APITokenFile == ""},
		{"http.webhook_secret", len(c.HTTP.WebhookSecret) > 0 && len(c.HTTP.WebhookSecretFile) == 0},
		{"http.basic_auth.password", len(c.HTTP.BasicAuth.Password) > 0 && c.HTTP.BasicAuth.PasswordFile == ""},
		{"http.header_value", len(c.HTTP.HeaderValue) > 0 && c.HTTP.HeaderValueFile == ""},
	}
	for _, secret := range inline {
		if secret.given {
			v.warnReadable(secret.key, v.file)
		}
	}
}
