package e2e

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"teleport-jira/internal/testworld"
)

// refusalsFile names the variable with the file that the suite's count of
// refused decisions by reason goes to.
const refusalsFile = "E2E_REFUSALS"

// refusals counts the decisions that daemons refused in all tests, so that two
// runs can be compared after a change of the rules.
var refusals = struct { // TestMain writes what all tests counted
	sync.Mutex
	by map[string]int
}{by: map[string]int{}}

// refusedLine finds the reason in a log line of either format.
var refusedLine = regexp.MustCompile(`decision refused.*?\brefusal"?[=:]"?(\w+)`)

// countRefusals adds what a daemon wrote.
func countRefusals(log *testworld.Log) {
	refusals.Lock()
	defer refusals.Unlock()
	for line := range strings.Lines(log.String()) {
		if m := refusedLine.FindStringSubmatch(line); m != nil {
			refusals.by[m[1]]++
		}
	}
}

// writeRefusals writes the counts to the file that is asked for, if any.
func writeRefusals() error {
	path := os.Getenv(refusalsFile)
	if path == "" {
		return nil
	}
	refusals.Lock()
	defer refusals.Unlock()
	var b strings.Builder
	total := 0
	for _, reason := range slices.Sorted(maps.Keys(refusals.by)) {
		fmt.Fprintf(&b, "%6d %s\n", refusals.by[reason], reason)
		total += refusals.by[reason]
	}
	fmt.Fprintf(&b, "%6d total\n", total)
	return os.WriteFile(path, []byte(b.String()), 0o600)
}
