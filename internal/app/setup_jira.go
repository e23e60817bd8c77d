package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/setup"
)

// JiraSetup makes what the daemon needs in Jira.
type JiraSetup struct {
	ConfigPath                string
	AdminUser, AdminTokenFile string // empty: the daemon's own account
	DryRun, Yes               bool
	Stdin                     io.Reader
	Stdout                    io.Writer
}

var (
	errNotConfirmed = errors.New("nothing was changed: the answer was not yes")
	errAdminFlags   = errors.New("--admin-user and --admin-token-file go together")
)

// Run shows the plan, asks, and carries it out. It is safe to be run again: what is
// there stays as it is. On Data Center, which has no API for workflows, it prints the
// steps, and checks what has come of them.
func (s JiraSetup) Run(ctx context.Context) error {
	cfg, err := config.LoadForJira(s.ConfigPath)
	if err != nil {
		return err
	}
	client, err := jira.New(jiraConfig(cfg, func() string { return jiraSecret(cfg) }), jira.Deps{})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		return err
	}
	want, err := wantOf(ctx, cfg, client)
	if err != nil {
		return err
	}
	if !client.IsCloud() {
		return s.dataCenter(ctx, cfg, want)
	}
	return s.cloud(ctx, cfg, want, client)
}

// cloud makes what is missing.
func (s JiraSetup) cloud(ctx context.Context, cfg *config.Config, want setup.Want, client *jira.Client) error {
	login, err := s.login(cfg)
	if err != nil {
		return err
	}
	admin, err := jira.Login(login)
	if err != nil {
		return err
	}
	site, err := setup.Inspect(ctx, admin, cfg.Jira.URL, want)
	if err != nil {
		return err
	}
	steps, err := site.Plan()
	if err != nil {
		return fmt.Errorf("project %s: %w", want.Project, err)
	}
	s.say("Project %s at %s, made by %s:\n", want.Project, cfg.Jira.URL, cmp.Or(s.AdminUser, client.Self().String()))
	left := s.show(steps)
	switch {
	case left == 0:
		s.say("\nAll of it is there.")
	case s.DryRun:
		s.say("\nNothing was changed.")
		return nil
	case !s.Yes && !s.confirmed():
		return errNotConfirmed
	}
	for _, step := range steps {
		if step.Done {
			continue
		}
		s.say("making the %s ...", step.Kind)
		if err := site.Make(ctx, step); err != nil {
			return fmt.Errorf("make the %s: %w; what is made stays, and the same command goes on from there", step.Kind, err)
		}
	}
	s.say("\nThe board: %s", site.BoardURL(strings.TrimSuffix(client.BrowseURL(want.Project+"-1"), "/browse/"+want.Project+"-1")))
	s.say("Jira makes its columns by the statuses' categories: in the board's settings give each status one of its own.")
	s.webhook(cfg)
	return s.check(ctx, cfg)
}

// login is who makes it.
func (s JiraSetup) login(cfg *config.Config) (jira.Config, error) {
	out := jiraConfig(cfg, func() string { return jiraSecret(cfg) })
	if (s.AdminUser == "") != (s.AdminTokenFile == "") {
		return out, errAdminFlags
	}
	if s.AdminUser == "" {
		return out, nil
	}
	token, err := config.SecretFile(s.AdminTokenFile).Read()
	if err != nil {
		return out, fmt.Errorf("read %s: %w", s.AdminTokenFile, err)
	}
	out.Username, out.Token, out.OAuth = s.AdminUser, func() string { return string(token) }, nil
	return out, nil
}

// show prints the plan and returns how many steps are left.
func (s JiraSetup) show(steps []setup.Step) (left int) {
	for _, step := range steps {
		state := "is there"
		if !step.Done {
			state = "new"
			left++
		}
		s.say("  %-8s  %s", state, step.Text)
	}
	return left
}

// say prints a line. What cannot be printed is lost, as everywhere on a terminal that
// is gone.
func (s JiraSetup) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.Stdout, format+"\n", args...)
}

func (s JiraSetup) confirmed() bool {
	_, _ = fmt.Fprint(s.Stdout, "\nType yes to make what is new: ")
	line, err := bufio.NewReader(s.Stdin).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(line) == "yes"
}

// webhook says what is left to do by hand: the API for webhooks takes no API tokens.
func (s JiraSetup) webhook(cfg *config.Config) {
	if !cfg.HTTP.Enabled {
		return
	}
	address := cmp.Or(cfg.HTTP.PublicAddr, "https://<where Jira reaches the daemon>")
	s.say(`
Left to do by hand, under Settings > System > WebHooks > Create a WebHook:
  URL      %s/webhook
  Secret   the value of http.webhook_secret
  JQL      project = %s
  Events   Issue: created, updated, deleted; Comment: created`, strings.TrimSuffix(address, "/"), cfg.Jira.Project)
}

// check shows what teleport-jira check says of Jira.
func (s JiraSetup) check(ctx context.Context, cfg *config.Config) error {
	s.say("")
	findings := checkJira(ctx, cfg)
	if err := preflight.WriteText(s.Stdout, findings, preflight.Colours(s.Stdout, os.Getenv)); err != nil {
		return err
	}
	if n := preflight.Failures(findings); n > 0 {
		return fmt.Errorf("%w: %d of %d", errChecks, n, len(findings))
	}
	return nil
}

// dataCenter prints what an administrator does, and looks at what is done.
func (s JiraSetup) dataCenter(ctx context.Context, cfg *config.Config, want setup.Want) error {
	s.say("Jira Data Center has no API that makes workflows. By hand, as an administrator:\n")
	for i, step := range setup.ByHand(want) {
		s.say("%2d. %s", i+1, step)
	}
	s.webhook(cfg)
	s.say("\nWhat is done of it:")
	return s.check(ctx, cfg)
}

// wantOf is what the configuration needs of Jira, with people and groups looked up.
func wantOf(ctx context.Context, cfg *config.Config, client *jira.Client) (setup.Want, error) {
	want := setup.Want{Project: cfg.Jira.Project, IssueType: cfg.Jira.IssueType, Daemon: client.Self().ID}
	var err error
	want.Statuses, err = statusesOf(cfg.Jira.Statuses)
	if isID(want.IssueType) {
		err = errors.Join(err, fmt.Errorf("jira.issue_type is the id %s: write the name that the type is to have", want.IssueType))
	}
	if err != nil {
		return want, err
	}
	for _, handle := range cfg.Review.Approvers {
		who, err := client.User(ctx, handle)
		if err != nil {
			return want, fmt.Errorf("review.approvers: %s: %w", handle, err)
		}
		want.People = append(want.People, who.ID)
	}
	for _, group := range cfg.Review.ApproverGroups {
		id := access.ParseGroup(group).Value
		if client.IsCloud() {
			if id, err = client.GroupID(ctx, group); err != nil {
				return want, fmt.Errorf("review.approver_groups: %s: %w", group, err)
			}
		}
		want.Groups = append(want.Groups, id)
	}
	return want, nil
}

// statusesOf takes the first name of each list.
func statusesOf(s config.Statuses) (setup.Statuses, error) {
	var all []error
	first := func(key string, names config.Names) string {
		if len(names) == 0 {
			return ""
		}
		if isID(names[0]) {
			all = append(all, fmt.Errorf("jira.statuses.%s is the id %s: write the name that the status is to have", key, names[0]))
		}
		return names[0]
	}
	out := setup.Statuses{
		Pending: first("pending", s.Pending), Approved: first("approved", s.Approved), Denied: first("denied", s.Denied),
		Expired: first("expired", s.Expired), Promoted: first("promoted", s.Promoted), Ended: first("ended", s.Ended),
		Revoked: first("revoked", s.Revoked),
	}
	return out, errors.Join(all...)
}

// isID reports whether a name is the id of something.
func isID(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return !unicode.IsDigit(r) }) < 0
}
