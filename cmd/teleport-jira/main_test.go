package main

import (
	"errors"
	"os/user"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	teleportjira "teleport-jira"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){name: main})
}

// TestScripts runs the real main as the scripts in testdata say.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// is-example fails unless stdout is the example, byte for byte.
			"is-example": func(ts *testscript.TestScript, _ bool, _ []string) {
				if ts.ReadFile("stdout") != teleportjira.ExampleConfig {
					ts.Fatalf("stdout is not teleport-jira.toml.example")
				}
			},
		},
	})
}

func TestVersion(t *testing.T) {
	built := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}},
	}
	for name, tc := range map[string]struct {
		version, ref         string
		info                 *debug.BuildInfo
		wantVersion, wantRef string
	}{
		"linker":              {"1.0.0", "abc1234", built, "1.0.0", "abc1234"},
		"linker, with a v":    {"v1.0.0", "abc1234", built, "1.0.0", "abc1234"},
		"build information":   {"", "", built, "1.2.3", "0123456"},
		"development build":   {"", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "0.0.0", "unknown"},
		"nothing known of it": {"", "", nil, "0.0.0", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.wantVersion, versionOf(tc.version, tc.info))
			require.Equal(t, tc.wantRef, refOf(tc.ref, tc.info))
		})
	}
}

func TestEachThingThatIsWrongGetsALine(t *testing.T) {
	var stderr strings.Builder
	require.Equal(t, 1, report(&stderr, errors.Join(errors.New("one"), errors.New("another"))))
	require.Equal(t, "teleport-jira: one\nteleport-jira: another\n", stderr.String())
}

// TestRootIsToldThatTheDaemonRunsAsAnother: only where there is that user.
func TestRootIsToldThatTheDaemonRunsAsAnother(t *testing.T) {
	exists := func(name string) (*user.User, error) { return &user.User{Username: name}, nil }
	missing := func(name string) (*user.User, error) { return nil, user.UnknownUserError(name) }
	require.Equal(t, "teleport-jira", daemonUser(0, exists))
	require.Empty(t, daemonUser(0, missing))
	require.Empty(t, daemonUser(1000, exists))
}
