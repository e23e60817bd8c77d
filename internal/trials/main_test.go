package trials

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The variables that each let one kind of trial run.
const (
	envBench  = "BENCH"  // any value: measure
	envFaults = "FAULTS" // any value: break things at random
	envSoak   = "SOAK"   // a duration: how long to load the daemon
	envSeed   = "SEED"   // a number: the schedule of faults to repeat
	envReport = "REPORT" // a file: where the benchmark's table goes, besides the output
)

// binary is the daemon under test, stripped as it is released.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the daemon, if any trial is asked for, and runs what is.
func run(m *testing.M) int {
	if os.Getenv(envBench)+os.Getenv(envFaults)+os.Getenv(envSoak) == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "teleport-jira-trials-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = build(dir); err != nil {
		return failed(err)
	}
	return m.Run()
}

// wanted skips the test unless its variable is set, and returns its value.
func wanted(t *testing.T, env, target string) string {
	t.Helper()
	value := os.Getenv(env)
	if value == "" {
		t.Skipf("takes minutes: run %s", target)
	}
	return value
}

func failed(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "trials:", err)
	return 1
}

// build is the path of the daemon: of the one that TELEPORT_JIRA_BIN names, or
// of one that is built into dir, as it is released.
func build(dir string) (string, error) {
	if path := os.Getenv("TELEPORT_JIRA_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "teleport-jira")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "teleport-jira/cmd/teleport-jira")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return path, nil
}
