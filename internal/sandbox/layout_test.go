package sandbox

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// axeVariable names axe-core's axe.min.js, which judges whether people with
// disabilities can use a page. make demo-check sets it where the file is.
const axeVariable = "SANDBOX_AXE"

// screen is a device on which the page has to be usable.
type screen struct {
	width, height int64
	touch         bool
}

func screens() map[string]screen {
	return map[string]screen{
		"desktop": {width: 1440, height: 900},
		"tablet":  {width: 1024, height: 768, touch: true},
		"phone":   {width: 390, height: 844, touch: true},
	}
}

// TestBoardOnEachScreen opens the seeded demo on a desktop, a tablet and a phone.
func TestBoardOnEachScreen(t *testing.T) {
	s, b := openSeeded(t)
	for name, device := range screens() {
		t.Run(name, func(t *testing.T) {
			b.emulate(t, s.URL(), device)
			b.seeded(t)
			b.fits(t, device)
			b.picture(t, name+".png")

			// Each device may move a card of its own.
			card := s.pending(t)[0]
			b.actAs(t, mallory)
			if device.touch {
				b.swipeTo(t, "Denied")
				b.swipeTo(t, "Pending")
			}
			b.moveByMenu(t, inColumn("Pending", card.Key), "Denied", device.touch)
			b.sees(t, `#toasts[role="alert"] .toast`) // screen readers say what appears in it
			require.Contains(t, b.text(t, "#toasts .toast-title"), card.Key+" is back in Pending")
			require.Contains(t, b.text(t, "#toasts .toast-text"), "not one of the configured approvers")
			b.sees(t, inColumn("Pending", card.Key)+" .why")
			b.fits(t, device)
			b.picture(t, name+"-refused.png")

			// A toast lies over what is at the bottom of the screen.
			b.do(t, "dismiss the toast", chromedp.Click("#toasts .close", chromedp.ByQuery), chromedp.WaitNotPresent("#toasts .toast", chromedp.ByQuery))
			b.actAs(t, fakejira.BobID)
			b.moveByMenu(t, inColumn("Pending", card.Key), "Denied", device.touch)
			require.Eventually(t, func() bool { return s.requestOf(t, card.Key).State == "denied" }, patience, 50*time.Millisecond)
			if device.touch {
				b.swipeTo(t, "Denied")
			}
			b.sees(t, inColumn("Denied", card.Key)+` .badge[data-state="denied"]`)
			b.fits(t, device)
		})
	}

	t.Run("over the details", func(t *testing.T) {
		b.emulate(t, s.URL(), screens()["desktop"])
		b.seeded(t)
		b.actAs(t, mallory)
		four := s.fourEyes(t)
		b.press(t, inColumn("Pending", four.Key), kb.Enter)
		b.press(t, `#details[open] #details-moves [data-status="Approved"]`, kb.Enter)
		b.sees(t, "#details #toasts .toast")
		b.do(t, "close the details", chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#details", chromedp.ByQuery))
		b.sees(t, "body > #toasts .toast")
	})

	t.Run("one of two approvals", func(t *testing.T) {
		b.emulate(t, s.URL(), screens()["desktop"])
		b.seeded(t)
		b.actAs(t, fakejira.BobID)
		four := s.fourEyes(t)
		b.moveByMenu(t, inColumn("Pending", four.Key), "Approved", false)
		b.sees(t, "#toasts .toast")
		require.Contains(t, b.text(t, "#toasts .toast-text"), "1 of 2")
		b.actAs(t, fakejira.CarolID)
		b.moveByMenu(t, inColumn("Pending", four.Key), "Approved", false)
		b.sees(t, inColumn("Approved", four.Key)+` .badge[data-state="approved"]`)
	})
}

// TestBoardIsSeeded checks that somebody who opens the demo sees requests in
// each state, and what there is to try.
func TestBoardIsSeeded(t *testing.T) {
	s, b := openSeeded(t)
	b.seeded(t)
	state := s.View()
	users, longest, resources := map[string]bool{}, 0, 0
	for _, request := range state.Requests {
		users[request.User] = true
		longest = max(longest, len(request.Reason))
		resources += len(request.Resources)
	}
	require.GreaterOrEqual(t, len(users), 3)
	require.Greater(t, longest, 350)
	require.Positive(t, resources)
	try := b.text(t, "#try")
	for _, word := range []string{"prod-db", "Mallory", "kill -9", "reason:", "10 seconds", "Ended", "Revoked"} {
		require.Contains(t, try, word)
	}
}

// TestBoardShowsWhatWasTyped checks that the daemon's escaping is read as Jira
// reads it, and that what people typed stays text.
func TestBoardShowsWhatWasTyped(t *testing.T) {
	s := startSandbox(t, daemonProgram(t))
	b := openBrowser(t, s.URL())
	const typed = `{quote} ~5% of ~/home + a|b ^ {color:red}x{color} <b>bold</b> &#126; &lt;i&gt; C:\temp !x! [a|b]`
	b.request(t, dave, "auditor", typed)
	b.sees(t, inColumn("Pending", "TAR-1"))
	b.press(t, inColumn("Pending", "TAR-1"), kb.Enter)
	b.sees(t, "#details[open]")
	require.Contains(t, b.text(t, "#details-description"), typed)
	require.NotContains(t, strings.ReplaceAll(b.text(t, "#details-description"), typed, ""), "&#126;")
	require.Equal(t, typed, b.text(t, "#details-description blockquote"), "the reason stands in a frame, as in Jira")
	var markup int
	b.do(t, "look for markup", chromedp.Evaluate(`document.querySelectorAll("#details-description :is(b, i, img, a)").length`, &markup))
	require.Zero(t, markup)
}

// TestBoardHasOneClock checks that no time of day is written with AM or PM,
// whatever the browser's language.
func TestBoardHasOneClock(t *testing.T) {
	s, b := openSeeded(t)
	b.do(t, "speak American English", emulation.SetLocaleOverride().WithLocale("en-US"), emulation.SetTimezoneOverride("America/New_York"),
		chromedp.Navigate(s.URL()))
	b.seeded(t)
	b.press(t, column("Denied")+" .card", kb.Enter)
	b.sees(t, "#details-activity .what")
	for _, part := range []string{"#requests", "#details-activity", "#log"} {
		text := b.text(t, part)
		require.Regexp(t, `\b\d\d:\d\d:\d\d\b`, text, part)
		require.NotRegexp(t, `(?i)\d\s*[ap]\.?m\b`, text, part)
	}
}

// TestBoardIsAccessible has axe-core judge the page in both colour schemes: at
// rest, with a toast, with the menu and with the details open.
func TestBoardIsAccessible(t *testing.T) {
	path := os.Getenv(axeVariable)
	if path == "" {
		t.Skip("SANDBOX_AXE names no axe.min.js: accessibility is not judged (npm pack axe-core@4.14.1)")
	}
	axe, err := os.ReadFile(path)
	require.NoError(t, err)
	s, b := openSeeded(t)
	refused := 0
	for _, device := range screens() {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d %s", device.width, scheme), func(t *testing.T) {
				b.do(t, "choose the colours", stillMedia(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}))
				b.emulate(t, s.URL(), device)
				b.seeded(t)
				b.do(t, "load axe-core", chromedp.Evaluate(string(axe), nil))
				b.accessible(t, "at rest")

				b.actAs(t, mallory)
				// By turns: after some refusals a card is left where it was moved.
				cards := s.pending(t)
				b.moveByMenu(t, inColumn("Pending", cards[refused%len(cards)].Key), "Approved", device.touch)
				refused++
				b.sees(t, "#toasts .toast")
				b.accessible(t, "with a toast")

				b.press(t, column("Denied")+" .card .move", kb.Enter)
				b.sees(t, "#move-menu button")
				b.accessible(t, "with the menu")
				b.do(t, "close the menu", chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#move-menu", chromedp.ByQuery))

				b.press(t, column("Denied")+" .card", kb.Enter)
				b.sees(t, "#details[open]")
				b.accessible(t, "with the details")
			})
		}
	}
	b.emulate(t, s.URL(), screens()["desktop"])
	b.do(t, "load axe-core", chromedp.Evaluate(string(axe), nil))
	b.kill(t)
	b.accessible(t, "with the daemon killed")
}

func openSeeded(t *testing.T) (*Sandbox, *browser) {
	t.Helper()
	s := startSandboxWith(t, Options{Listen: loopback, Daemon: daemonProgram(t), Seed: true})
	return s, openBrowser(t, s.URL())
}

// pending returns the cards that wait for a decision on a request which Bob and
// Mallory did not make, and which needs one approval.
func (s *Sandbox) pending(t *testing.T) []Card {
	t.Helper()
	var waiting []Card
	for _, card := range s.View().Cards {
		if card.Status == "Pending" && card.Request.User != bob && card.Request.Needs < 2 {
			waiting = append(waiting, card)
		}
	}
	require.NotEmpty(t, waiting, "no card waits")
	return waiting
}

// fourEyes returns the card that needs two approvals.
func (s *Sandbox) fourEyes(t *testing.T) Card {
	t.Helper()
	for _, card := range s.View().Cards {
		if card.Request.Needs == 2 {
			return card
		}
	}
	require.Fail(t, "no card needs two approvals")
	return Card{}
}

// seeded waits until the seeded requests are where they belong.
func (b *browser) seeded(t *testing.T) {
	t.Helper()
	for status, state := range map[string]string{"Pending": "pending", "Approved": "approved", "Denied": "denied", "Expired": "expired"} {
		commented := " .talk ~"
		if state == "pending" {
			commented = ""
		}
		b.do(t, "cards in "+status, chromedp.WaitReady(column(status)+commented+fmt.Sprintf(` .badge[data-state=%q]`, state), chromedp.ByQuery))
	}
}

// emulate opens the page anew on a device.
func (b *browser) emulate(t *testing.T, url string, device screen) {
	t.Helper()
	options := []chromedp.EmulateViewportOption{}
	if device.touch {
		options = append(options, chromedp.EmulateTouch, chromedp.EmulateMobile)
	}
	b.do(t, "change the screen", chromedp.EmulateViewport(device.width, device.height, options...), chromedp.Navigate(url))
}

// fits checks that nothing on the page is cut off.
func (b *browser) fits(t *testing.T, device screen) {
	t.Helper()
	var cut []string
	b.do(t, "look for what is cut", chromedp.Evaluate(`(() => {
		const cut = [];
		const over = (node) => node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
		for (const card of document.querySelectorAll(".card")) {
			const box = card.getBoundingClientRect();
			if (over(card)) cut.push("card " + card.dataset.key);
			for (const part of card.querySelectorAll("*")) {
				const own = part.getBoundingClientRect();
				if (own.right > box.right + 1 || own.bottom > box.bottom + 1) cut.push(card.dataset.key + " ." + part.className);
				if (getComputedStyle(part).overflow !== "visible" && over(part)) cut.push(card.dataset.key + " ." + part.className);
			}
		}
		for (const toast of document.querySelectorAll(".toast")) {
			const box = toast.getBoundingClientRect();
			if (box.left < 0 || box.right > innerWidth || box.top < 0 || box.bottom > innerHeight + 1) cut.push("toast");
		}
		if (document.documentElement.scrollWidth > innerWidth) cut.push("the page, by " + (document.documentElement.scrollWidth - innerWidth));
		return cut;
	})()`, &cut))
	require.Empty(t, cut)
	var top float64
	b.do(t, "find the board", chromedp.Evaluate(`document.querySelector(".card").getBoundingClientRect().top + scrollY`, &top))
	require.Less(t, top+100, float64(device.height)*2/3, "the board begins on the first screen")
}

// swipeTo swipes over the board until a column is on the screen.
func (b *browser) swipeTo(t *testing.T, status string) {
	t.Helper()
	b.do(t, "show the board", chromedp.ScrollIntoView("#board h3", chromedp.ByQuery))
	place := fmt.Sprintf(`(() => {
		const box = document.querySelector(%q).getBoundingClientRect();
		return box.left < 0 ? -1 : box.right > innerWidth ? 1 : 0;
	})()`, column(status))
	require.Eventually(t, func() bool {
		b.middle(t, column(status)) // the last swipe has come to rest
		var side int
		b.do(t, "find "+status, chromedp.Evaluate(place, &side))
		if side == 0 {
			return true
		}
		at := b.middle(t, "#board")
		top := b.middle(t, "#board h3").Y
		b.touch(t, point{at.X + float64(120*side), top + 60}, point{at.X - float64(120*side), top + 60})
		return false
	}, patience, 20*time.Millisecond, "%s is within reach", status)
}

// moveByMenu moves a card without dragging it: by finger or by keyboard.
func (b *browser) moveByMenu(t *testing.T, card, status string, touch bool) {
	t.Helper()
	item := fmt.Sprintf(`#move-menu [data-status=%q]`, status)
	if touch {
		b.tap(t, card+" .move")
		b.tap(t, item)
		return
	}
	b.press(t, card+" .move", kb.Enter)
	b.sees(t, item)
	b.press(t, item, kb.Enter)
}

// tap touches the middle of what the selector matches.
func (b *browser) tap(t *testing.T, selector string) {
	t.Helper()
	b.sees(t, selector)
	b.do(t, "scroll to "+selector, chromedp.ScrollIntoView(selector, chromedp.ByQuery))
	b.touch(t, b.middle(t, selector))
}

// touch moves a finger over the points, from putting it down to lifting it.
func (b *browser) touch(t *testing.T, path ...point) {
	t.Helper()
	const steps = 8 // between two points
	finger := func(p point) []*input.TouchPoint { return []*input.TouchPoint{{X: p.X, Y: p.Y}} }
	actions := []chromedp.Action{input.DispatchTouchEvent(input.TouchStart, finger(path[0]))}
	for i := 1; i < len(path); i++ {
		for step := 1; step <= steps; step++ {
			part := float64(step) / steps
			actions = append(actions, input.DispatchTouchEvent(input.TouchMove, finger(point{
				X: path[i-1].X + (path[i].X-path[i-1].X)*part, Y: path[i-1].Y + (path[i].Y-path[i-1].Y)*part,
			})))
		}
	}
	actions = append(actions, input.DispatchTouchEvent(input.TouchEnd, []*input.TouchPoint{}))
	b.do(t, "touch the screen", actions...)
}

// accessible has axe-core judge what the page shows.
func (b *browser) accessible(t *testing.T, when string) {
	t.Helper()
	var violations []string
	b.do(t, "run axe-core", chromedp.Evaluate(`axe.run(document).then((result) => result.violations.flatMap((violation) =>
		violation.nodes.map((node) => violation.id + ": " + node.html.slice(0, 200) + " " + node.failureSummary)))`, &violations, awaitPromise))
	require.Empty(t, violations, when)
}
