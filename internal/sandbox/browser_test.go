package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience is how long the page and the daemon get for one thing to happen.
const patience = 20 * time.Second

// browser is a Chromium with the page open.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in a context
}

// openBrowser starts a Chromium of its own on the page. Exceptions that the
// page does not catch fail the test.
func openBrowser(t *testing.T, url string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)),
		chromedp.NoSandbox, // it refuses to run as root otherwise
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(profile(t)),
		chromedp.WindowSize(1440, 900),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	t.Cleanup(func() { require.NoError(t, chromedp.Cancel(ctx), "the browser closes") })
	chromedp.ListenTarget(ctx, func(event any) {
		if thrown, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the page threw: %v", thrown.ExceptionDetails.Error())
		}
	})
	b := &browser{ctx: ctx}
	// The first run starts the browser and must not carry a deadline of its own.
	require.NoError(t, chromedp.Run(ctx, stillMedia(), chromedp.EmulateViewport(1440, 900), chromedp.Navigate(url)))
	return b
}

// stillMedia asks the page for no animations, in which a picture would catch it
// half-way, and for what else the features say.
func stillMedia(features ...*emulation.MediaFeature) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures(append(features, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"}))
}

// profile is a directory for the browser's files. Chromium's helper processes may
// still write to it when the browser has ended, so that removing it takes some
// patience, which [testing.T.TempDir] does not have.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "board") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, patience, 50*time.Millisecond)
	})
	return dir
}

// chromium finds the browser; without one the test is skipped, except in CI.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.NotEqual(t, "true", os.Getenv("CI"), "Chromium is not installed")
	t.Skip("Chromium is not installed: the page is not tried")
	return ""
}

// do runs actions, which together get the usual patience.
func (b *browser) do(t *testing.T, what string, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(t, chromedp.Run(ctx, actions...), what)
}

// sees waits until the page shows what the selector matches.
func (b *browser) sees(t *testing.T, selector string) {
	t.Helper()
	b.do(t, "the page shows "+selector, chromedp.WaitVisible(selector, chromedp.ByQuery))
}

// request fills in the form and sends it.
func (b *browser) request(t *testing.T, user, roles, reason string) {
	t.Helper()
	b.do(t, "request access",
		chromedp.WaitReady("#request-user option", chromedp.ByQuery),
		chromedp.SetValue("#request-user", user, chromedp.ByQuery),
		chromedp.SetValue("#request-roles", roles, chromedp.ByQuery),
		chromedp.SendKeys("#request-reason", reason, chromedp.ByQuery),
		chromedp.Click("#request-submit", chromedp.ByQuery))
}

// actAs chooses the Jira account.
func (b *browser) actAs(t *testing.T, person string) {
	t.Helper()
	b.do(t, "act as "+person, chromedp.SetValue("#actor", person, chromedp.ByQuery))
}

// point is a place on the page in CSS pixels.
type point struct{ X, Y float64 }

// middle is the centre of what the selector matches, once it stands still: a
// touch of what is still being scrolled only stops the scrolling.
func (b *browser) middle(t *testing.T, selector string) point {
	t.Helper()
	var p point
	script := fmt.Sprintf(`(async () => {
		let at = {}, still = 0;
		while (still < 5) {
			await new Promise(requestAnimationFrame);
			const box = document.querySelector(%q)?.getBoundingClientRect();
			const now = {X: box?.x + box?.width / 2, Y: box?.y + box?.height / 2};
			still = now.X === at.X && now.Y === at.Y ? still + 1 : 0;
			at = now;
		}
		return at;
	})()`, selector)
	b.do(t, "find "+selector, chromedp.Evaluate(script, &p, awaitPromise))
	return p
}

// drag takes hold of one element with the mouse and lets go over another.
func (b *browser) drag(t *testing.T, from, to string) {
	t.Helper()
	b.do(t, "scroll to "+from, chromedp.ScrollIntoView(from, chromedp.ByQuery))
	start, end := b.middle(t, from), b.middle(t, to)
	const steps = 12
	actions := []chromedp.Action{
		chromedp.MouseEvent(input.MouseMoved, start.X, start.Y),
		chromedp.MouseEvent(input.MousePressed, start.X, start.Y, chromedp.ButtonLeft),
	}
	for i := 1; i <= steps; i++ {
		part := float64(i) / steps
		actions = append(actions, chromedp.MouseEvent(input.MouseMoved,
			start.X+(end.X-start.X)*part, start.Y+(end.Y-start.Y)*part, chromedp.ButtonLeft))
	}
	actions = append(actions, chromedp.MouseEvent(input.MouseReleased, end.X, end.Y, chromedp.ButtonLeft))
	b.do(t, "drag "+from+" to "+to, actions...)
}

// press gives the keyboard to an element and presses a key.
func (b *browser) press(t *testing.T, selector, key string, modifiers ...input.Modifier) {
	t.Helper()
	b.do(t, "press a key on "+selector,
		chromedp.Focus(selector, chromedp.ByQuery),
		chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...)))
}

// awaitPromise makes an evaluation wait for the promise's value.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// text is what the first element shows that the selector matches.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	var text string
	b.do(t, "read "+selector, chromedp.Text(selector, &text, chromedp.ByQuery))
	return text
}

// kill kills the daemon, and start starts it again; both wait until the page
// shows it.
func (b *browser) kill(t *testing.T) {
	t.Helper()
	b.do(t, "kill the daemon", chromedp.Click("#daemon-kill:enabled", chromedp.ByQuery),
		chromedp.WaitVisible(`#daemon-state[data-state="killed"]`, chromedp.ByQuery), chromedp.WaitVisible("#daemon-away", chromedp.ByQuery))
}

func (b *browser) start(t *testing.T) {
	t.Helper()
	b.do(t, "start the daemon", chromedp.Click("#daemon-start:enabled", chromedp.ByQuery),
		chromedp.WaitVisible(`#daemon-state[data-state="running"]`, chromedp.ByQuery), chromedp.WaitNotVisible("#daemon-away", chromedp.ByQuery))
}

// picture keeps what the page looks like in the directory that
// SANDBOX_PICTURES names, if it names one.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("SANDBOX_PICTURES")
	if dir == "" {
		return
	}
	var image []byte
	b.do(t, "take a picture", chromedp.CaptureScreenshot(&image))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), image, 0o600))
}
