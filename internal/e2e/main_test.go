package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"teleport-jira/internal/testworld"
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

func run(m *testing.M) int {
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", parallel); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
			return 1
		}
	}
	return testworld.WithDaemon(func(path string) int {
		binary = path
		status := m.Run()
		if err := writeRefusals(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
			return 1
		}
		return status
	})
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
