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
	setup := cli.Command("setup", "Prepare a side for the daemon.")
	setupTeleport := setup.Command("teleport", "Print the role and user that Teleport needs, for tctl create.")
	setupPath := configFlag(setupTeleport)
	mode := setupTeleport.Flag("mode", "How decisions reach Teleport: auto, review, on_behalf or state (default what the configuration says).").
		PlaceHolder("MODE").Enum("auto", "review", "on_behalf", "state")
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
	switch command {
	case check.FullCommand():
		err = inspect(app.CheckOptions{
			ConfigPath: *checkPath, InsecureNoTLS: *checkInsecure, JSON: *format == "json", Stdout: stdout,
			DaemonUser: daemonUser(os.Geteuid(), user.Lookup),
		})
	case setupTeleport.FullCommand():
		err = app.SetupTeleport(stdout, *setupPath, *mode)
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

// inspect runs the checks until they are done or a signal ends them.
func inspect(o app.CheckOptions) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return app.Check(ctx, o)
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
