package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binary is the daemon under test.
var binary string

// parallel is how many tests run at once unless -parallel says otherwise: they
// wait for timers and sockets more than they compute.
const parallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// run builds the daemon and runs the tests.
func run(m *testing.M) int {
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", parallel); err != nil {
			return failed(err)
		}
	}
	dir, err := os.MkdirTemp("", "teleport-jira-e2e-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = build(dir); err != nil {
		return failed(err)
	}
	return m.Run()
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func failed(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
	return 1
}

// build is the path of the daemon: of the one that TELEPORT_JIRA_BIN names, or
// of one that is built into dir.
func build(dir string) (string, error) {
	if path := os.Getenv("TELEPORT_JIRA_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "teleport-jira")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "teleport-jira/cmd/teleport-jira").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return path, nil
}
