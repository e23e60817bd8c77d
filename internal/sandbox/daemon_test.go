package sandbox

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startStandIn runs a stand-in for the daemon and returns it with a function
// that stops it and returns what Run said.
func startStandIn(t *testing.T) (*daemon, func() error) {
	t.Helper()
	t.Setenv(standIn, "1")
	d := &daemon{path: os.Args[0], args: []string{"start"}, journal: &journal{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(cancel)
	return d, func() error {
		cancel()
		return <-done
	}
}

// waitFor waits until the journal has as many lines that contain the text.
func waitFor(t *testing.T, j *journal, text string, times int) {
	t.Helper()
	require.Eventually(t, func() bool {
		found := 0
		for _, line := range j.since(0) {
			if strings.Contains(line.Text, text) {
				found++
			}
		}
		return found >= times
	}, 20*time.Second, 5*time.Millisecond, "%q in the log", text)
}

func TestDaemonEndsInGoodOrderWithTheSandbox(t *testing.T) {
	d, stop := startStandIn(t)
	waitFor(t, d.journal, "up [start]", 1)
	pid := d.view().PID
	require.NoError(t, stop())
	waitFor(t, d.journal, "stopped in good order", 1)
	require.Equal(t, DaemonView{State: "stopped"}, d.view())
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "the child is gone")
}

func TestKilledDaemonStaysAwayUntilItIsStarted(t *testing.T) {
	d, stop := startStandIn(t)
	waitFor(t, d.journal, "up [start]", 1)
	first := d.view().PID
	require.ErrorContains(t, d.start(), "not killed")
	require.NoError(t, d.kill())
	waitFor(t, d.journal, "signal: killed", 1)
	require.Equal(t, DaemonView{State: "killed"}, d.view())
	require.ErrorContains(t, d.kill(), "not running")
	require.NoError(t, d.start())
	waitFor(t, d.journal, "up [start]", 2)
	require.Equal(t, "running", d.view().State)
	require.NotEqual(t, first, d.view().PID)
	require.NoError(t, stop())
	require.ErrorContains(t, d.kill(), "not running")
}

func TestKilledDaemonDoesNotOutliveTheSandbox(t *testing.T) {
	d, stop := startStandIn(t)
	waitFor(t, d.journal, "up [start]", 1)
	require.NoError(t, d.kill())
	waitFor(t, d.journal, "signal: killed", 1)
	require.NoError(t, stop())
}

func TestMissingDaemonProgramIsAnError(t *testing.T) {
	d := &daemon{path: "/nonexistent/teleport-jira", journal: &journal{}}
	require.ErrorContains(t, d.Run(t.Context()), "start the daemon")
}

func TestJournalKeepsWholeLines(t *testing.T) {
	for name, c := range map[string]struct {
		writes []string
		want   []string
	}{
		"a line":               {[]string{"one\n"}, []string{"one"}},
		"two lines at once":    {[]string{"one\ntwo\n"}, []string{"one", "two"}},
		"a line in pieces":     {[]string{"o", "n", "e\n"}, []string{"one"}},
		"the rest is kept":     {[]string{"one\ntw", "o\n"}, []string{"one", "two"}},
		"no end of line yet":   {[]string{"one"}, nil},
		"a line without end":   {[]string{strings.Repeat("x", journalLine+1)}, []string{strings.Repeat("x", journalLine)}},
		"an empty line counts": {[]string{"\n"}, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			for _, text := range c.writes {
				n, err := j.Write([]byte(text))
				require.NoError(t, err)
				require.Equal(t, len(text), n)
			}
			var got []string
			for _, line := range j.since(0) {
				got = append(got, line.Text)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestJournalForgetsTheOldest(t *testing.T) {
	var j journal
	for range journalLines + 10 {
		j.remark("line")
	}
	lines := j.since(0)
	require.Len(t, lines, journalLines)
	require.Equal(t, journalLines+10, lines[len(lines)-1].Seq)
	require.Len(t, j.since(journalLines+7), 3)
	require.Empty(t, j.since(journalLines+10))
}
