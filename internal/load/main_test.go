package load

import (
	"os"
	"testing"

	"teleport-jira/internal/testworld"
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

// run runs the trials that are asked for, if any, with the daemon.
func run(m *testing.M) int {
	if os.Getenv(envBench)+os.Getenv(envFaults)+os.Getenv(envSoak) == "" {
		return m.Run()
	}
	return testworld.WithDaemon(func(path string) int {
		binary = path
		return m.Run()
	})
}

// wanted skips the test unless its variable is set, and returns its value.
func wanted(t *testing.T, env, target string) string {
	t.Helper()
	value := os.Getenv(env)
	if value == "" {
		t.Skipf("%s is not set, since this takes minutes: %s sets it", env, target)
	}
	return value
}
