package jira

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
	"teleport-jira/internal/preflight"
)

// Target is a project and an issue type that issues are made in.
type Target struct {
	Project   string
	IssueType string // name or id
}

// Expect is what the configuration takes for granted.
type Expect struct {
	Targets  []Target
	Statuses map[access.State][]string // names or ids
	// Thorough looks also at what costs more calls, or can't always be proven:
	// the ways through the workflow, groups, people, the token. It is for an
	// operator who asks; the daemon starts without it.
	Thorough bool
	Groups   []string // handles; looked at if Thorough
	People   []string // handles; looked at if Thorough
	// Addresses are the settings that rely on e-mail addresses to say who decides,
	// which people may be able to change on Data Center; TrustEmail: they can't.
	Addresses  []string
	TrustEmail bool
	// Recognise says that people have to be told from the requester, also where
	// Jira hides their e-mails; looked at if Thorough.
	Recognise bool
}

// Preflight proves, without changing anything, that the account can do what
// the daemon needs: login, projects, permissions, issue types, fields and
// statuses. It collects all faults. The error is nil when nothing failed,
// temporary when Jira is away and the findings are incomplete, unauthenticated
// when the login was refused, else permanent and names every failure.
func (c *Client) Preflight(ctx context.Context, want Expect) ([]preflight.Finding, error) {
	p := &checker{c: c, want: want}
	if err := p.login(ctx); err != nil {
		p.skip("Jira has to answer and to take the login first")
		return p.findings, p.withFixes(err)
	}
	p.addresses()
	if want.Thorough {
		p.token()
		if err := p.groups(ctx); err != nil {
			return p.findings, err
		}
		if err := p.people(ctx); err != nil {
			return p.findings, err
		}
	}
	for _, target := range want.Targets {
		if err := p.target(ctx, target); err != nil {
			return p.findings, err
		}
	}
	return p.findings, p.err()
}

// checker collects findings. Its methods return an error only where Jira
// could not be asked.
type checker struct {
	c        *Client
	want     Expect
	findings []preflight.Finding
	seen     map[string]bool         // projects whose permissions are known
	types    map[string][]statusJSON // issue types that the projects themselves name
}

func (p *checker) ok(name, detail string) {
	p.add(preflight.Finding{Name: name, Level: preflight.OK, Detail: detail})
}

func (p *checker) warn(name, detail, fix string) {
	p.add(preflight.Finding{Name: name, Level: preflight.Warning, Detail: detail, Fix: fix})
}

func (p *checker) fail(name, detail, fix string) {
	p.add(preflight.Finding{Name: name, Level: preflight.Failure, Detail: detail, Fix: fix})
}

// skip tells what is not checked.
func (p *checker) skip(why string) {
	names := []string{}
	if p.want.Thorough {
		names = append(names, "token", "groups and accounts that may decide")
	}
	for _, target := range p.want.Targets {
		if name := "project " + target.Project; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		p.add(preflight.Finding{Name: name, Level: preflight.Skipped, Detail: why})
	}
}

func (p *checker) add(f preflight.Finding) {
	f.Area = "jira"
	p.findings = append(p.findings, f)
}

// err is the error for all failures; nil when there are none.
func (p *checker) err() error { return p.failures(access.Permanent) }

// withFixes returns an error of the same class as err that says what to do
// about it, where that was found.
func (p *checker) withFixes(err error) error {
	if failures := p.failures(access.ClassOf(err)); failures != nil {
		return failures
	}
	return err
}

// failures are all failures, each an *access.Error and a line that is complete
// in itself; nil when there are none.
func (p *checker) failures(class access.Class) error {
	var failures []error
	for _, f := range p.findings {
		if f.Level == preflight.Failure {
			failures = append(failures, &access.Error{
				Op: "check jira", Class: class, Err: fmt.Errorf("%s: %s: %s", f.Name, f.Detail, f.Fix),
			})
		}
	}
	return errors.Join(failures...)
}

func (p *checker) login(ctx context.Context) error {
	err := p.c.Connect(ctx)
	switch access.ClassOf(err) {
	case access.Temporary, access.Limited:
		if err != nil {
			return err
		}
	case access.Unauth:
		p.fail("login", err.Error(), p.remedy(loginFaultIn(err)))
		return err
	case access.Permanent:
		p.failLogin(err)
		return err
	}
	if info := p.c.server.Load(); p.c.cfg.Deployment != Auto && info != nil && info.cloud != (info.DeploymentType == "Cloud") {
		p.warn("deployment", fmt.Sprintf("jira.deployment is %s, but Jira says %q", p.c.cfg.Deployment, info.DeploymentType),
			`set jira.deployment = "auto"`)
	}
	self := p.c.Self()
	p.ok("login", "logged in as "+self.String())
	if !self.Active {
		p.warn("login", "Jira says that the account is not active", "activate the account "+self.Handle())
	}
	return nil
}

// remedy is what to do about a login that does not work.
func (p *checker) remedy(f loginFault) string {
	if f == loginRejected && p.c.oauth != nil {
		f = loginOAuth
	}
	return f.remedy(p.c.cfg.Username != "")
}

// failLogin says why the account can't log in although its token was not refused.
func (p *checker) failLogin(err error) {
	var e *access.Error
	switch {
	case p.noteScope(err, p.fail):
	case errors.As(err, &e) && (e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized):
		p.fail("login", err.Error(), p.remedy(loginDenied))
	default:
		p.fail("address", err.Error(), "check jira.url: its REST API does not answer there; is a context path missing?")
	}
}

// noteScope adds a finding for a scope that the token lacks, once for each scope.
func (p *checker) noteScope(err error, add func(name, detail, fix string)) bool {
	scope := missingScope(err)
	if scope == "" {
		return false
	}
	name := "scope " + scope
	if !slices.ContainsFunc(p.findings, func(f preflight.Finding) bool { return f.Name == name }) {
		add(name, err.Error(), "create a token with the scopes read:jira-work, write:jira-work and read:jira-user")
	}
	return true
}

// ask makes a read. refused says why Jira refused it for good, if it did; any
// other error ends the preflight.
func (p *checker) ask(ctx context.Context, endpoint, path string, out any) (refused string, err error) {
	k := call{op: "check jira", key: path, method: http.MethodGet, endpoint: endpoint, path: path, read: true}
	err = p.c.call(ctx, k, out)
	if access.ClassOf(err) == access.Permanent {
		p.noteScope(err, p.warn)
		return err.Error(), nil
	}
	return "", err
}

func (p *checker) target(ctx context.Context, t Target) error {
	found, err := p.project(ctx, t.Project)
	if err != nil || !found {
		return err
	}
	typeID, ok, err := p.issueType(ctx, t)
	if err != nil || !ok {
		return err
	}
	if typeID != "" {
		if err := p.screen(ctx, t, typeID); err != nil {
			return err
		}
	}
	known, err := p.statuses(ctx, t, typeID)
	if err != nil || !p.want.Thorough || len(known) == 0 {
		return err
	}
	return p.workflow(ctx, t, typeID, known)
}

// project checks a project and the permissions in it, once.
func (p *checker) project(ctx context.Context, key string) (found bool, err error) {
	if known, done := p.seen[key]; done {
		return known, nil
	}
	if p.seen == nil {
		p.seen, p.types = map[string]bool{}, map[string][]statusJSON{}
	}
	check := "project " + key
	var project projectJSON
	refused, err := p.ask(ctx, "/project/{project}", "/project/"+key, &project)
	if err != nil {
		return false, err
	}
	p.seen[key] = refused == ""
	p.types[key] = project.IssueTypes
	if refused != "" {
		p.fail(check, "not found, or hidden from "+p.c.Self().Handle()+": "+refused, "check the key, and give the account the permission to browse the project")
		return false, nil
	}
	p.c.projects.resolve(key, string(project.ID))
	if now := string(project.Key); now != "" && !strings.EqualFold(now, key) {
		p.warn(check, "found, but its key is "+now+" now", "write "+now+" into the configuration: Jira may give the old key to another project")
	} else {
		p.ok(check, "found")
	}
	if p.c.cfg.CommentVisibility == Internal && project.Type != "service_desk" {
		p.fail("internal comments in "+key, "the project is not one of Jira Service Management",
			`set jira.issue.comment_visibility = "public", or use a service project`)
	}
	return true, p.permissions(ctx, key)
}

func (p *checker) permissions(ctx context.Context, project string) error {
	needed := []string{"BROWSE_PROJECTS", "CREATE_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS"}
	useful := map[string]bool{}
	if p.c.cfg.Issue.Assignee != "" {
		useful["ASSIGN_ISSUES"], useful["USER_PICKER"] = true, true
	}
	if p.c.cfg.Issue.Reporter == Requester {
		useful["MODIFY_REPORTER"], useful["USER_PICKER"] = true, true
	}
	all := slices.Concat(needed, slices.Sorted(maps.Keys(useful)))
	have, refused, err := p.granted(ctx, project, all)
	if err != nil {
		return err
	}
	if refused != "" {
		p.fail("permissions in "+project, refused, "give the account access to the project")
		return nil
	}
	for _, permission := range all {
		granted, told := have[permission]
		check, fix := "permission "+permission+" in "+project, "grant it to "+p.c.Self().Handle()+" in the project's permission scheme or role"
		switch {
		case granted:
			p.ok(check, "granted")
		case !told:
			p.warn(check, "Jira does not tell", fix)
		case useful[permission]:
			p.warn(check, "missing: issues are made without the people it is for", fix)
		default:
			p.fail(check, "missing", fix)
		}
	}
	return nil
}

// granted tells which permissions the account has, in the project if one is
// named; what Jira does not tell is not in the map. refused says why it refused to
// tell anything.
func (p *checker) granted(ctx context.Context, project string, names []string) (have map[string]bool, refused string, err error) {
	info, err := p.c.info(ctx)
	if err != nil {
		return nil, "", err
	}
	var pairs []string
	if project != "" {
		pairs = append(pairs, "projectKey", project)
	}
	if info.cloud { // which insists on names; Data Center tells all and knows no such parameter
		pairs = append(pairs, "permissions", strings.Join(names, ","))
	}
	var answer struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	refused, err = p.ask(ctx, "/mypermissions", "/mypermissions"+query(pairs...), &answer)
	have = map[string]bool{}
	for name, permission := range answer.Permissions {
		have[name] = permission.Have
	}
	return have, refused, err
}

// typeStatuses are the statuses of one issue type's workflow.
type typeStatuses struct {
	ID       text         `json:"id"`
	Statuses []statusJSON `json:"statuses"`
}

// statuses checks that each state has a status in the issue type's workflow, or
// in any of the project's where the type is not known.
func (p *checker) statuses(ctx context.Context, t Target, typeID string) ([]access.Status, error) {
	var types []typeStatuses
	refused, err := p.ask(ctx, "/project/{project}/statuses", "/project/"+t.Project+"/statuses", &types)
	if err != nil {
		return nil, err
	}
	if refused != "" {
		p.warn("statuses in "+t.Project, refused, "the daemon can't tell which statuses there are")
		return nil, nil
	}
	var known []access.Status
	var names []string
	ofType := func(each typeStatuses) bool { return string(each.ID) == typeID }
	everyType := !slices.ContainsFunc(types, ofType)
	for _, each := range types {
		if !everyType && !ofType(each) {
			continue
		}
		for _, s := range each.Statuses {
			known = append(known, s.status())
			p.c.names.saw(s.status())
			p.c.statuses.learn(s.status())
			names = append(names, string(s.Name))
		}
	}
	for _, state := range slices.Sorted(maps.Keys(p.want.Statuses)) {
		configured := p.want.Statuses[state]
		missing := slices.DeleteFunc(slices.Clone(configured), func(s string) bool {
			return slices.ContainsFunc(known, func(k access.Status) bool { return k.Is(s) })
		})
		check := fmt.Sprintf("status for %s requests in %s", state, t.Project)
		detail := fmt.Sprintf("%q not in the workflow of %s, which has %q", missing, t.IssueType, names)
		fix := fmt.Sprintf("correct jira.statuses.%s, or add the status to the workflow", state)
		switch {
		case len(configured) == 0:
			p.ok(check, "none configured: the issue stays where it is")
		case len(missing) == 0:
			p.ok(check, strings.Join(configured, ", "))
		case len(missing) < len(configured):
			p.warn(check, detail, fix)
		default:
			p.fail(check, detail, fix)
		}
	}
	return known, nil
}

// token says what is known of the token. No API of Jira tells an account when
// the token that it used expires.
func (p *checker) token() {
	if p.c.oauth != nil {
		p.ok("token", "the access token is accepted, and renewed by itself; whether the client secret ends Jira does not tell")
		return
	}
	kind := "API token or password"
	if p.c.cfg.Username == "" {
		kind = "personal access token"
	}
	p.ok("token", fmt.Sprintf("the %s is accepted now; Jira does not tell when it expires, so note the day", kind))
}

// groups proves that the groups are there and that the account may read whose
// they are. Jira shows neither to accounts that may not browse users.
func (p *checker) groups(ctx context.Context) error {
	if len(p.want.Groups) == 0 && !p.want.Recognise {
		return nil
	}
	const browse = "USER_PICKER"
	have, refused, err := p.granted(ctx, "", []string{browse})
	if err != nil {
		return err
	}
	check := "permission " + browse
	switch missing := refused != "" || !have[browse]; {
	case missing && len(p.want.Groups) == 0:
		p.warn(check, "missing: people whose e-mail Jira hides can't be told from the requester, and can't decide",
			"grant "+p.c.Self().Handle()+" the global permission to browse users and groups, or name people in review.users")
		return nil
	case missing:
		p.fail(check, "missing: the groups of people can't be read, and nobody in review.approver_groups can decide",
			"grant "+p.c.Self().Handle()+" the global permission to browse users and groups")
		return nil
	}
	p.ok(check, "granted: people can be looked up")
	for _, group := range p.want.Groups {
		if err := p.group(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

func (p *checker) group(ctx context.Context, group string) error {
	check := "group " + group
	handle := access.ParseGroup(group)
	if handle.Kind == access.HandleID {
		p.warn(check, "given by its id, which can't be looked up without administration rights",
			"make sure of it, or give the group's name")
		return nil
	}
	var found struct {
		Groups []groupJSON `json:"groups"`
	}
	refused, err := p.ask(ctx, "/groups/picker", "/groups/picker"+query("query", handle.Value, "maxResults", "50"), &found)
	if err != nil {
		return err
	}
	is := func(g groupJSON) bool { return handle.NamesGroup(string(g.ID), string(g.Name)) }
	if refused != "" || !slices.ContainsFunc(found.Groups, is) {
		p.fail(check, "not found, or hidden from "+p.c.Self().Handle(), "correct review.approver_groups")
		return nil
	}
	p.ok(check, "found")
	return nil
}

// addresses warns of settings that match nobody: on Data Center people may change
// their own address, so that none counts unless the operator says that they can't.
func (p *checker) addresses() {
	if p.want.TrustEmail || len(p.want.Addresses) == 0 || p.c.server.Load().cloud {
		return
	}
	p.warn("e-mail addresses", strings.Join(p.want.Addresses, ", ")+" match nobody: on Data Center people may be able to change their own address",
		"name people by key: or name:, or set review.identity.trust_email = true where the user directory is read-only")
}

// people looks up the accounts that the configuration names. One that is not
// found costs nothing but itself: the others decide, and issues are made.
func (p *checker) people(ctx context.Context) error {
	for _, handle := range p.want.People {
		check := "account " + handle
		who, err := p.c.User(ctx, handle)
		switch {
		case errors.Is(err, access.ErrNotFound):
			p.warn(check, "not found, found more than once, or hidden from "+p.c.Self().Handle(),
				"correct it, or name the account by its id, under jira.issue.assignee, review.approvers and review.users")
		case access.ClassOf(err) == access.Permanent && err != nil:
			p.warn(check, err.Error(), "grant "+p.c.Self().Handle()+" the global permission to browse users and groups")
		case err != nil:
			return err
		case !who.Active:
			p.warn(check, "not active", "take it out, or activate it")
		default:
			p.ok(check, "found: "+who.String())
		}
	}
	return nil
}
