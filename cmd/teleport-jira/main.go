// Command teleport-jira keeps a Jira project and the Access Requests of a
// Teleport cluster in step. This package translates flags, signals and exit
// codes, and may do nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"

	teleportjira "teleport-jira"
	"teleport-jira/internal/app"
	"teleport-jira/internal/config"
)

const name = "teleport-jira"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command that args name and returns the exit status: 0, or 1
// after one line on stderr for each error.
func run(args []string, stdout, stderr io.Writer) int {
	cli := kingpin.New(name, "Keeps a Jira project and the Access Requests of a Teleport cluster in step.")
	cli.UsageWriter(stdout).ErrorWriter(stderr)
	cli.UsageTemplate(usage).UsageFuncs(usageFuncs())
	cli.HelpFlag.Short('h').Help("Show help.")
	cli.Version(versionLine())
	cli.VersionFlag.Help("Print the version.")
	helped := false
	// Showing help ends the program, but kingpin goes on and shows it again.
	cli.Terminate(func(int) { helped = true; cli.UsageWriter(io.Discard) })

	start := cli.Command("start", "Run the daemon.")
	path := configFlag(start)
	debug := start.Flag("debug", "Log everything, whatever the configuration says.").Short('d').Bool()
	insecure := start.Flag("insecure-no-tls", "Serve webhooks without TLS, behind a proxy that does TLS.").Bool()
	check := cli.Command("check", "Test the configuration and both sides, and change nothing.")
	checkPath := configFlag(check)
	format := check.Flag("format", "Write text, one line a check, or json (default text).").
		Default("text").PlaceHolder("FORMAT").Enum("text", "json")
	checkInsecure := check.Flag("insecure-no-tls", "Check for a start with the same flag.").Bool()
	health := cli.Command("health", "Ask the daemon on this host whether it is alive.")
	healthPath := configFlag(health)
	setups := setupCommands(cli, stdout)
	configure := cli.Command("configure", "Print an example configuration.")
	showVersion := cli.Command("version", "Print the version.")

	command, err := cli.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v, try --help\n", name, err)
		return 1
	}
	if set, ok := setups[command]; ok {
		return report(stderr, set())
	}
	switch command {
	case check.FullCommand():
		o := app.CheckOptions{
			ConfigPath: *checkPath, InsecureNoTLS: *checkInsecure, JSON: *format == "json", Stdout: stdout,
			DaemonUser: daemonUser(os.Geteuid(), user.Lookup),
		}
		err = interruptible(func(ctx context.Context) error { return app.Check(ctx, o) })
	case configure.FullCommand():
		_, err = io.WriteString(stdout, teleportjira.ExampleConfig)
	case showVersion.FullCommand():
		_, err = fmt.Fprintln(stdout, versionLine())
	case health.FullCommand():
		err = askHealth(stdout, *healthPath)
	case start.FullCommand():
		err = serve(app.Options{
			ConfigPath: *path, Debug: *debug, InsecureNoTLS: *insecure,
			Version: currentVersion(), Stderr: stderr,
		})
	}
	return report(stderr, err)
}

// setupCommands adds the commands that prepare a side, and returns them by name.
func setupCommands(cli *kingpin.Application, stdout io.Writer) map[string]func() error {
	setup := cli.Command("setup", "Prepare a side for the daemon.")
	teleport := setup.Command("teleport", "Print the role and user that Teleport needs, for tctl create.")
	path := configFlag(teleport)
	mode := teleport.Flag("mode", "How decisions reach Teleport: auto, review, on_behalf or state (default what the configuration says).").
		PlaceHolder("MODE").Enum("auto", "review", "on_behalf", "state")
	jira := setup.Command("jira", "Make the project, workflow and board that Jira needs.")
	jiraPath := configFlag(jira)
	s := app.JiraSetup{Stdin: os.Stdin, Stdout: stdout}
	jira.Flag("admin-user", "Administrator of Jira, in place of the daemon's account.").PlaceHolder("USER").StringVar(&s.AdminUser)
	jira.Flag("admin-token-file", "File with the administrator's API token.").PlaceHolder("FILE").StringVar(&s.AdminTokenFile)
	jira.Flag("dry-run", "Show the plan and change nothing.").BoolVar(&s.DryRun)
	jira.Flag("yes", "Make it without asking.").BoolVar(&s.Yes)
	return map[string]func() error{
		teleport.FullCommand(): func() error { return app.SetupTeleport(stdout, *path, *mode) },
		jira.FullCommand(): func() error {
			s.ConfigPath = *jiraPath
			return interruptible(s.Run)
		},
	}
}

// configFlag adds the flag that names the configuration file.
func configFlag(command *kingpin.CmdClause) *string {
	return command.Flag("config", "Configuration file (default "+config.DefaultPath+").").
		Short('c').Default(config.DefaultPath).PlaceHolder("FILE").String()
}

// daemonUser is the user that the packages and the installer make for the daemon,
// where this process is root and there is one.
func daemonUser(euid int, lookup func(string) (*user.User, error)) string {
	const name = "teleport-jira"
	if euid != 0 {
		return ""
	}
	if _, err := lookup(name); err != nil {
		return ""
	}
	return name
}

// interruptible runs a command until it is done or a signal ends it.
func interruptible(run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return run(ctx)
}

// serve runs the daemon until a signal ends it. A second signal ends the process
// without draining.
func serve(o app.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	o.Reload = reload
	return app.Run(ctx, o)
}

// askHealth prints whether the daemon on this host is alive. One that can't be
// asked counts as alive, since whoever asks sees that its process runs.
func askHealth(stdout io.Writer, path string) error {
	asked, err := app.Healthy(context.Background(), path)
	if err != nil {
		return err
	}
	answer := "alive"
	if !asked {
		answer = "not known: neither telemetry.listen_addr is set nor http enabled"
	}
	_, err = fmt.Fprintln(stdout, answer)
	return err
}

// report writes the errors, one line each, and returns the exit status.
// The lines of a configuration's faults begin with the file's name, as other
// tools expect it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		_, _ = fmt.Fprintln(stderr, faults)
		return 1
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", name, line)
	}
	return 1
}
