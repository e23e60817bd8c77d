package load

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// table is what was measured, beside what was asked for.
type table struct{ rows [][4]string }

// add notes a figure. Without a target nothing is judged.
func (t *table) add(what, figure, target string, met bool) {
	mark := "missed"
	switch {
	case target == "":
		mark = ""
	case met:
		mark = "met"
	}
	t.rows = append(t.rows, [4]string{what, figure, target, mark})
	fmt.Fprintf(os.Stdout, "%-70s %12s  %-18s %s\n", what, figure, target, mark)
}

// write puts the table, as Markdown, into the file that REPORT names.
func (t *table) write(tb testing.TB) {
	tb.Helper()
	path := os.Getenv(envReport)
	if path == "" {
		return
	}
	var b strings.Builder
	b.WriteString("| what | measured | target | |\n|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r[:], " | "))
	}
	require.NoError(tb, os.WriteFile(path, []byte(b.String()), 0o600))
}

func quantile(took []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

// ownCPU is the processor time that this process, and with it the doubles, has
// used.
func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
