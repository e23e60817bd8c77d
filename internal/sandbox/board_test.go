package sandbox

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// daemonVariable names the built daemon. make demo-check sets it; without it
// the page is not tried, so that the other tests stay quick.
const daemonVariable = "SANDBOX_DAEMON"

// TestBoard uses the demo as a person does: the real daemon, the page in a real
// browser, mouse and keyboard.
func TestBoard(t *testing.T) {
	s := startSandbox(t, daemonProgram(t))
	b := openBrowser(t, s.URL())
	// Each step needs those before it.
	require.True(t, t.Run("a request becomes a card, and dragging it approves the request", func(t *testing.T) {
		b.request(t, alice, "editor, dba", "restore the orders table, ticket 4711")
		b.sees(t, inColumn("Pending", "TAR-1"))
		b.actAs(t, fakejira.BobID)
		b.drag(t, inColumn("Pending", "TAR-1"), column("Approved"))
		b.sees(t, inColumn("Approved", "TAR-1")+` .badge[data-state="approved"]`)
		request := s.requestOf(t, "TAR-1")
		require.Equal(t, "approved", request.State)
		require.Len(t, request.Reviews, 1)
		require.Equal(t, bob, request.Reviews[0].Author)
		require.Equal(t, daemonUser, request.Reviews[0].SubmittedBy)
	}))

	require.True(t, t.Run("the keyboard denies a request, with a reason", func(t *testing.T) {
		b.request(t, dave, "auditor", `<img src="x" onerror="alert(1)"> {color:red}now{color}`)
		b.sees(t, inColumn("Pending", "TAR-2"))
		b.actAs(t, fakejira.CarolID)
		b.press(t, inColumn("Pending", "TAR-2"), kb.Enter)
		b.sees(t, "#details[open]")
		b.do(t, "comment", chromedp.SendKeys("#comment-body", "reason: not this week\t", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
		b.sees(t, "#details-activity .body")
		b.press(t, `#details-moves [data-status="Denied"]`, kb.Enter)
		b.sees(t, `#details-moves [data-status="Denied"][aria-pressed="true"]`)
		b.sees(t, inColumn("Denied", "TAR-2")+` .badge[data-state="denied"]`)
		b.picture(t, "details.png")
		b.do(t, "close the details", chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#details", chromedp.ByQuery))
		request := s.requestOf(t, "TAR-2")
		require.Equal(t, carol, request.Reviews[0].Author)
		require.Contains(t, request.Reviews[0].Reason, "not this week")
		var injected int
		b.do(t, "look for markup", chromedp.Evaluate(`document.querySelectorAll("main img, dialog img").length`, &injected))
		require.Zero(t, injected, "what people type is text")
	}))

	require.True(t, t.Run("arrows move cards too, and who may not decide is told why", func(t *testing.T) {
		b.request(t, dave, "prod-db", "index rebuild at 22:00")
		b.sees(t, inColumn("Pending", "TAR-3"))
		b.actAs(t, mallory)
		b.press(t, inColumn("Pending", "TAR-3"), kb.ArrowRight, input.ModifierShift)
		b.sees(t, inColumn("Pending", "TAR-3")+" .why")
		b.sees(t, "#toasts .toast")
		require.Contains(t, b.text(t, "#toasts .toast-title"), "TAR-3 is back in Pending")
		require.Contains(t, b.text(t, "#toasts .toast-text"), "Mallory Moore")
		require.Contains(t, b.text(t, "#toasts .toast-text"), "not one of the configured approvers", "the reason is not cut")
		request := s.requestOf(t, "TAR-3")
		require.Equal(t, "pending", request.State)
		require.Empty(t, request.Reviews)
	}))

	require.True(t, t.Run("a review and a removal in Teleport reach the board", func(t *testing.T) {
		id := s.requestOf(t, "TAR-3").ID
		b.do(t, "approve in Teleport",
			chromedp.SetValue("#review-author", bob, chromedp.ByQuery),
			chromedp.Click(fmt.Sprintf(`[data-action="approve %s"]`, id), chromedp.ByQuery))
		require.Eventually(t, func() bool { return len(s.card(t, "TAR-3").Comments) >= 2 }, patience, 50*time.Millisecond)
		require.Equal(t, "pending", s.requestOf(t, "TAR-3").State, "one of two approvals")

		b.request(t, dave, "editor", "week-end duty")
		b.sees(t, inColumn("Pending", "TAR-4"))
		b.do(t, "remove it", chromedp.Click(fmt.Sprintf(`[data-action="remove %s"]`, s.requestOf(t, "TAR-4").ID), chromedp.ByQuery))
		b.sees(t, inColumn("Expired", "TAR-4"))
	}))

	require.True(t, t.Run("nothing is lost and nothing doubled when the daemon is killed", func(t *testing.T) {
		before := s.daemon.view().PID
		b.kill(t)
		b.request(t, alice, "kube-admin", "rotate the node pool")
		b.sees(t, `#requests [data-state="pending"]`)
		require.Len(t, s.View().Cards, 4, "nobody is there to make a card")
		b.start(t)
		b.sees(t, inColumn("Pending", "TAR-5"))
		require.NotEqual(t, before, s.daemon.view().PID)

		b.actAs(t, fakejira.BobID)
		b.kill(t)
		b.drag(t, inColumn("Pending", "TAR-5"), column("Approved"))
		b.sees(t, inColumn("Approved", "TAR-5")+` .badge[data-state="pending"]`)
		b.start(t)
		b.sees(t, inColumn("Approved", "TAR-5")+` .badge[data-state="approved"]`)
		require.Len(t, s.View().Cards, 5)
	}))

	require.True(t, t.Run("a request that nobody decides expires", func(t *testing.T) {
		b.do(t, "choose ten seconds", chromedp.SetValue("#request-seconds", "10", chromedp.ByQuery))
		b.request(t, dave, "editor", "week-end duty")
		b.sees(t, inColumn("Pending", "TAR-6"))
		b.sees(t, inColumn("Expired", "TAR-6"))
		require.Equal(t, "expired", s.requestOf(t, "TAR-6").State)
	}))

	require.True(t, t.Run("an access ends before one's eyes", func(t *testing.T) {
		require.NoError(t, s.Request(dave, []string{"editor"}, "week-end duty", time.Hour, 8*time.Second))
		b.sees(t, inColumn("Pending", "TAR-7"))
		b.drag(t, inColumn("Pending", "TAR-7"), column("Approved"))
		b.sees(t, inColumn("Approved", "TAR-7")+` .badge[data-state="approved"]`)
		b.sees(t, inColumn("Ended", "TAR-7")+` .badge[data-state="ended"]`)
	}))

	require.True(t, t.Run("a lock cuts an access", func(t *testing.T) {
		b.request(t, alice, "editor", "restore the orders table")
		b.sees(t, inColumn("Pending", "TAR-8"))
		b.drag(t, inColumn("Pending", "TAR-8"), column("Approved"))
		b.sees(t, inColumn("Approved", "TAR-8")+` .badge[data-state="approved"]`)
		b.drag(t, inColumn("Approved", "TAR-8"), column("Revoked"))
		b.sees(t, inColumn("Revoked", "TAR-8")+` .badge[data-state="locked"]`)
		require.Len(t, s.cluster.Locks(), 1)
	}))
}

// daemonProgram is the path of the built daemon; without one the test is skipped.
func daemonProgram(t *testing.T) string {
	t.Helper()
	program := os.Getenv(daemonVariable)
	if program == "" {
		t.Skip("SANDBOX_DAEMON names no daemon: run make demo-check")
	}
	return program
}

// startSandbox runs a sandbox without seeded requests.
func startSandbox(t *testing.T, program string) *Sandbox {
	t.Helper()
	return startSandboxWith(t, Options{Listen: loopback, Daemon: program})
}

// startSandboxWith runs a sandbox with the daemon. When the test ends, the
// daemon has to end with it.
func startSandboxWith(t *testing.T, o Options) *Sandbox {
	t.Helper()
	s, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		pid := s.daemon.view().PID
		cancel()
		require.NoError(t, <-done)
		s.Close()
		if pid != 0 {
			require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "the daemon is gone")
		}
		if t.Failed() {
			for _, line := range s.Lines(0) {
				t.Log(line.Text)
			}
		}
	})
	return s
}

func column(status string) string { return fmt.Sprintf(`.column[data-status=%q]`, status) }

// inColumn selects an issue's card in the column of a status.
func inColumn(status, key string) string {
	return column(status) + fmt.Sprintf(` .card[data-key=%q]`, key)
}

func (s *Sandbox) card(t *testing.T, key string) Card {
	t.Helper()
	for _, card := range s.View().Cards {
		if card.Key == key {
			return card
		}
	}
	require.Fail(t, "no such card", key)
	return Card{}
}

func (s *Sandbox) requestOf(t *testing.T, key string) Request {
	t.Helper()
	card := s.card(t, key)
	require.NotNil(t, card.Request, key)
	return *card.Request
}
