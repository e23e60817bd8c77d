package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// play runs steps, each a shell's command after its name, and returns what is
// written.
func play(t *testing.T, quiet time.Duration, skipped []string, steps ...string) (string, bool) {
	t.Helper()
	var out strings.Builder
	r := &runner{out: &out, quiet: quiet, skipped: skipped, command: func(ctx context.Context, step string) *exec.Cmd {
		_, script, _ := strings.Cut(step, " ")
		return exec.CommandContext(ctx, "sh", "-c", script)
	}}
	ok := r.run(t.Context(), steps)
	return out.String(), ok
}

// events has a step write what go test -json would.
func events(name string, lines ...string) string {
	return fmt.Sprintf("%s cat <<'END'\n%s\nEND\n", name, strings.Join(lines, "\n"))
}

func TestPassedAndSkippedAreSummedUp(t *testing.T) {
	t.Parallel()
	text, ok := play(t, time.Minute, []string{"race detector: no C compiler"}, "build echo built", events("unit",
		`{"Action":"start","Package":"teleport-jira/internal/plan"}`,
		`{"Action":"run","Package":"teleport-jira/internal/plan","Test":"TestA"}`,
		`{"Action":"run","Package":"teleport-jira/internal/plan","Test":"TestA/one"}`,
		`{"Action":"output","Package":"teleport-jira/internal/plan","Test":"TestA/one","Output":"noise\n"}`,
		`{"Action":"pass","Package":"teleport-jira/internal/plan","Test":"TestA/one"}`,
		`{"Action":"pass","Package":"teleport-jira/internal/plan","Test":"TestA"}`,
		`{"Action":"output","Package":"teleport-jira/internal/plan","Test":"TestB","Output":"    b_test.go:12: pandoc is not installed\n"}`,
		`{"Action":"skip","Package":"teleport-jira/internal/plan","Test":"TestB"}`,
		`{"Action":"output","Package":"teleport-jira/internal/plan","Output":"ok  \tteleport-jira/internal/plan\t0.5s\n"}`,
		`{"Action":"pass","Package":"teleport-jira/internal/plan"}`,
	))
	require.True(t, ok)
	require.Equal(t, `=== build
built
=== build passed after 0 s
=== unit
ok  	teleport-jira/internal/plan	0.5s
=== unit passed after 0 s
=== summary
skipped: race detector: no C compiler
skipped: internal/plan TestB: pandoc is not installed
tests: 1 passed, 0 failed, 1 skipped
all passed: build 0 s, unit 0 s; 2 skipped; 0 s in all
`, text)
}

func TestFailuresAreShownInFullAndNamedAtTheEnd(t *testing.T) {
	t.Parallel()
	text, ok := play(t, time.Minute, nil, events("unit",
		`{"Action":"run","Package":"teleport-jira/a","Test":"TestA"}`,
		`{"Action":"run","Package":"teleport-jira/a","Test":"TestA/one"}`,
		`{"Action":"output","Package":"teleport-jira/a","Test":"TestA/one","Output":"want 1, have 2\n"}`,
		`{"Action":"fail","Package":"teleport-jira/a","Test":"TestA/one"}`,
		`{"Action":"fail","Package":"teleport-jira/a","Test":"TestA"}`,
		`{"Action":"output","Package":"teleport-jira/a","Output":"FAIL\tteleport-jira/a\t0.1s\n"}`,
		`{"Action":"fail","Package":"teleport-jira/a"}`,
		`{"ImportPath":"teleport-jira/b","Action":"build-output","Output":"b.go:1: undefined: x\n"}`,
		`{"Action":"fail","Package":"teleport-jira/b"}`,
		`{"Action":"run","Package":"teleport-jira/c","Test":"TestC"}`,
		`{"Action":"output","Package":"teleport-jira/c","Test":"TestC","Output":"panic: oh\n"}`,
		`{"Action":"fail","Package":"teleport-jira/c"}`,
	)+"exit 1", "e2e echo goes on")
	require.False(t, ok)
	require.Contains(t, text, "want 1, have 2\nFAIL\tteleport-jira/a\t0.1s\nb.go:1: undefined: x\npanic: oh\n=== unit FAILED after 0 s\n")
	require.Contains(t, text, "goes on\n=== e2e passed")
	require.Contains(t, text, "failed: a TestA/one\nfailed: b\nfailed: c\ntests: 0 passed, 3 failed, 0 skipped\nFAILED: unit 0 s; passed: e2e 0 s;")
}

func TestNothingIsRunAfterABuildThatFailed(t *testing.T) {
	t.Parallel()
	text, ok := play(t, time.Minute, nil, "build exit 2", "unit echo not reached")
	require.False(t, ok)
	require.NotContains(t, text, "not reached")
	require.Contains(t, text, "failed: build: exit status 2\nskipped: unit: build failed\n")
}

func TestSilenceIsBroken(t *testing.T) {
	t.Parallel()
	text, ok := play(t, 40*time.Millisecond, nil, events("unit",
		`{"Action":"run","Package":"teleport-jira/a","Test":"TestSlow"}`,
	)+"sleep 0.3")
	require.True(t, ok)
	require.Contains(t, text, "    unit, 0 s: 0 tests passed, running a TestSlow (0 s)\n")
}
