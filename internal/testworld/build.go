package testworld

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// WithDaemon calls run with the path of the daemon and returns the exit status:
// of the program that TELEPORT_JIRA_BIN names, or of one that is built as it is
// released, and removed afterwards.
func WithDaemon(run func(path string) int) int {
	if path := os.Getenv("TELEPORT_JIRA_BIN"); path != "" {
		path, err := filepath.Abs(path)
		if err != nil {
			return failed(err)
		}
		return run(path)
	}
	dir, err := os.MkdirTemp("", "teleport-jira-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "teleport-jira")
	if err := build(path); err != nil {
		return failed(err)
	}
	return run(path)
}

func build(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "teleport-jira/cmd/teleport-jira") //nolint:gosec // where to is ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return nil
}

func failed(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "tests of the daemon:", err)
	return 1
}
