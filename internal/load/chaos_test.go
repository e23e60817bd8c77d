package load

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// pastClaim is longer than a claim lives in the daemon.
const pastClaim = 33 * time.Second

// chaos is a seeded schedule of what people do and what goes wrong. The seed
// decides what is done in which order; how it interleaves with the daemons is
// up to the machine.
type chaos struct {
	*world
	rng      *rand.Rand
	pause    time.Duration // between steps, on average
	gentle   bool          // faults are rare, and no daemon is killed or paused
	each     faketeleport.RequestOptions
	requests []string       // all that were made
	open     []string       // those that nobody has decided
	mends    sync.WaitGroup // what has to come back by itself
}

func newChaos(w *world, seed uint64, pause time.Duration) *chaos {
	return &chaos{world: w, rng: rand.New(rand.NewPCG(seed, 0)), pause: pause}
}

// run lets things happen for so long, then mends everything.
func (c *chaos) run(d time.Duration) {
	c.t.Helper()
	end := time.After(d)
	for {
		select {
		case <-end:
			c.mend()
			return
		case <-time.After(time.Duration(c.rng.Int64N(int64(2 * c.pause)))):
			c.step()
		}
	}
}

// step does one thing.
func (c *chaos) step() {
	c.supervise()
	switch n := c.rng.IntN(100); {
	case n < 35:
		id := c.request(c.each)
		c.requests, c.open = append(c.requests, id), append(c.open, id)
	case n < 65:
		c.decide()
	case c.gentle && c.rng.IntN(8) > 0: // most of the time all is well
	case n < 85:
		c.breakJira()
	case n < 93:
		c.breakTeleport()
	default:
		c.breakDaemon()
	}
}

// decide lets somebody decide or end a request that has an issue. Where the
// request has ended meanwhile, nothing happens.
func (c *chaos) decide() {
	id, issue, ok := c.undecided()
	if !ok {
		return
	}
	states := []types.RequestState{types.RequestState_APPROVED, types.RequestState_DENIED}
	names := []string{"Approved", "Denied"}
	which := c.rng.IntN(2)
	review := func() { _, _ = c.cluster.Review("rita", id, states[which], "says rita") }
	switch n := c.rng.IntN(10); {
	case n < 5:
		require.NoError(c.t, c.jira.Drag(issue, names[which], fakejira.BobID))
	case n < 8:
		review()
	case n < 9:
		// Both sides decide at once, and disagree.
		require.NoError(c.t, c.jira.Drag(issue, names[1-which], fakejira.BobID))
		review()
	default:
		_ = c.cluster.Expire(id)
	}
}

// undecided draws a request that nobody has decided, with its issue's id. It
// is not drawn again.
func (c *chaos) undecided() (id, issue string, ok bool) {
	for range min(len(c.open), 5) {
		i := c.rng.IntN(len(c.open))
		id := c.open[i]
		if issue := c.cluster.PluginData(id)["jira"]["issue_id"]; issue != "" {
			c.open = slices.Delete(c.open, i, i+1)
			return id, issue, true
		}
	}
	return "", "", false
}

// breakJira lets some of the next calls fail, each in one of the ways that
// Jira and what stands before it have.
func (c *chaos) breakJira() {
	f := fakejira.Fault{Times: 1 + c.rng.IntN(6)}
	switch c.rng.IntN(10) {
	case 0:
		f.Effect, f.Status = fakejira.Respond, 500
	case 1:
		f.Effect, f.Status, f.Body = fakejira.Respond, 502, fakejira.ProxyPage
	case 2:
		f.Effect, f.Status, f.Header = fakejira.Respond, 503, http.Header{"Retry-After": {"1"}}
	case 3:
		f.Effect, f.Status = fakejira.Respond, 504
	case 4:
		f.Effect = fakejira.LoseRequest
	case 5, 6:
		f.Effect, f.Method = fakejira.LoseAnswer, http.MethodPost
	case 7:
		f.Effect, f.Times = fakejira.HangAfter, 1
	case 8:
		c.away(c.site.Stop, func() { require.NoError(c.t, c.site.Start()) })
		return
	default:
		c.expireToken()
		return
	}
	c.jira.Inject(f)
}

// expireToken makes Jira refuse the token until the file holds another one.
func (c *chaos) expireToken() {
	token := fmt.Sprintf("token-%d", c.rng.Uint64())
	change := func(a *fakejira.Account) { a.Token = token }
	c.away(
		func() { require.NoError(c.t, c.jira.ChangeAccount(fakejira.BotID, change)) },
		func() {
			next := c.path(token)
			require.NoError(c.t, os.WriteFile(next, []byte(token), 0o600))
			require.NoError(c.t, os.Rename(next, c.path("token")))
		})
}

func (c *chaos) breakTeleport() {
	switch c.rng.IntN(4) {
	case 0:
		c.away(c.auth.Stop, func() { require.NoError(c.t, c.auth.Start()) })
	case 1:
		c.cluster.CloseWatchers()
	case 2:
		c.cluster.Inject(faketeleport.LoseAnswer("UpdatePluginData", 1+c.rng.IntN(3)))
	default:
		c.cluster.Inject(faketeleport.LoseAnswer("SubmitAccessReview", 1))
	}
}

func (c *chaos) breakDaemon() {
	if c.gentle {
		return
	}
	r := c.replicas[c.rng.IntN(len(c.replicas))]
	switch n := c.rng.IntN(10); {
	case n < 6:
		c.away(r.kill, r.launch)
	case n < 9:
		c.away(func() { r.signal(syscall.SIGSTOP) }, func() { r.signal(syscall.SIGCONT) })
	default:
		r.signal(syscall.SIGSTOP)
		c.later(pastClaim, func() { r.signal(syscall.SIGCONT) })
	}
}

// away lets something be away for up to three seconds, and waits for it: two
// sides may be away at once only by faults of calls.
func (c *chaos) away(leave, back func()) {
	leave()
	<-time.After(time.Duration(c.rng.Int64N(int64(3 * time.Second))))
	back()
}

// later does something while the schedule goes on.
func (c *chaos) later(after time.Duration, do func()) {
	c.mends.Go(func() {
		<-time.After(after)
		do()
	})
}

// mend ends all faults and starts what does not run.
func (c *chaos) mend() {
	c.t.Helper()
	c.jira.ClearFaults()
	c.cluster.ClearFaults()
	c.mends.Wait()
	c.supervise()
}

// supervise starts the daemons that ended by themselves, as systemd and
// Kubernetes do: one that starts while the token has expired says so and ends.
func (w *world) supervise() {
	for _, r := range w.replicas {
		if r.ended() {
			r.kill()
		}
		r.launch()
	}
}

// issues are the issues by the request that they name.
func (w *world) issues() map[string][]fakejira.Issue {
	found := map[string][]fakejira.Issue{}
	for _, issue := range w.jira.Issues() {
		var id string
		if json.Unmarshal(issue.Properties["teleportAccessRequestId"], &id) == nil && !issue.Deleted {
			found[id] = append(found[id], issue)
		}
	}
	return found
}
