package sim_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestSimulate runs SIM_RUNS seeded worlds, from SIM_SEED on; `make simulate`
// sets them. A seed that breaks a promise is printed and replays alone. What it
// finds becomes a scene in regressions_test.go: a seed alone would stand for
// something else as soon as the schedule changes.
func TestSimulate(t *testing.T) {
	runs, first := fromEnv(t, "SIM_RUNS", 60), fromEnv(t, "SIM_SEED", 1)
	for seed := first; seed < first+runs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { simulate(t, seed) })
	}
}

func fromEnv(t *testing.T, name string, def uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// simulate runs the world of one seed: half an hour in which people and faults
// do as they please, then peace, after which all promises have to hold.
func simulate(t *testing.T, seed uint64) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 0))
		flavour := []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter}[rng.IntN(2)]
		s := &schedule{rng: rng, hostile: seed%2 == 0, spoilt: map[string]bool{}}
		s.world = newWorld(t, flavour, func(o *fakejira.Options, _ *faketeleport.Config) {
			o.SearchLag = time.Duration(rng.IntN(60)) * time.Second
			o.Latency = time.Duration(rng.IntN(200)) * time.Millisecond
			o.Projects[0].IssueTypes = append(o.Projects[0].IssueTypes, fakejira.IssueType{ID: "10002", Name: "Bug"})
			if rng.IntN(2) == 0 {
				o.Projects[0].Workflow = fakejira.ServiceDeskWorkflow()
			}
			if rng.IntN(3) == 0 {
				o.Limits = fakejira.CloudLimits()
			}
		})
		defer s.world.close()
		if rng.IntN(2) == 0 {
			s.webhooks(func(h *fakejira.Webhook) {
				h.Shuffle = time.Duration(1 + rng.IntN(int(10*time.Second)))
				// Jira asks from its own goroutines, which must not disturb rng.
				losses := rand.New(rand.NewPCG(seed, 1))
				h.Lose = func(fakejira.Delivery) bool { return losses.IntN(4) == 0 }
			})
		}
		faults := s.run()
		if len(faults) > 0 {
			t.Fatalf("seed %d:\n%s\n\nwhat happened:\n%s\n%s", seed,
				strings.Join(faults, "\n"), strings.Join(s.told, "\n"), s.world.logs.String())
		}
	})
}

// schedule is what happens in one simulated world.
type schedule struct {
	*world
	rng      *rand.Rand
	requests []string
	told     []string
	hostile  bool            // an adversary takes part
	accesses bool            // accesses end, and people end them
	spoilt   map[string]bool // requests of which both sides need not agree, see spoil
}

const disorder = 30 * time.Minute

// run returns which promises do not hold in the end.
func (s *schedule) run() []string {
	for i := range 1 + s.rng.IntN(3) {
		s.start(fmt.Sprintf("r%d", i), newBody())
	}
	end := time.Now().Add(disorder)
	for time.Now().Before(end) {
		<-time.After(time.Duration(s.rng.ExpFloat64() * float64(20*time.Second)))
		s.happen()
	}
	return s.peace()
}

// peace ends all faults, leaves one replica, and lets things come to rest. It
// is longer than a resync, a claim's life and the search grace together. It
// returns which promises do not hold then.
func (s *schedule) peace() []string {
	s.tell("peace")
	s.jira.ClearFaults()
	s.cluster.ClearFaults()
	_ = s.auth.Start() // It fails if it runs.
	for _, r := range s.replicas {
		if r.body.isDead() {
			continue
		}
		r.body.stopFor(0)
	}
	s.start("last", newBody())
	pass(45 * time.Minute)
	for s.expiresWithin(s.requests, 2*reaction) { // of the spoilt ones, too
		pass(2 * reaction)
	}
	sound := slices.DeleteFunc(slices.Clone(s.requests), func(id string) bool { return s.spoilt[id] })
	return s.faultsOf(sound, s.decidable)
}

func (s *schedule) tell(format string, args ...any) {
	line := time.Now().UTC().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	s.told = append(s.told, line)
	fmt.Fprintln(&s.logs, "--- "+line)
}

// decidable tells whether the request must have an issue: it is pending now,
// or some record of it was kept.
func (s *schedule) decidable(id string) bool {
	if s.state(id) == "pending" {
		return true
	}
	_, err := s.cluster.Request(id)
	return err == nil && s.cluster.PluginData(id)["jira"]["user"] != ""
}

type thing struct {
	weight int
	do     func()
}

// happen does one thing, of people or of fate.
func (s *schedule) happen() {
	things := []thing{
		{20, s.newRequest},
		{25, s.someoneDrags},
		{8, s.someoneReviews},
		{4, s.someoneRemoves},
		{10, s.jiraFails},
		{6, s.teleportFails},
		{4, s.teleportRestarts},
		{2, s.watchersEnd},
		{8, s.crashes},
		{4, s.joins},
		{4, s.pauses},
	}
	if s.hostile {
		things = append(things, thing{15, s.attacks})
	}
	if s.accesses {
		things = append(things, s.accessThings()...)
	}
	total := 0
	for _, th := range things {
		total += th.weight
	}
	n := s.rng.IntN(total)
	for _, th := range things {
		if n -= th.weight; n < 0 {
			th.do()
			return
		}
	}
}

func pick[T any](s *schedule, from ...T) T { return from[s.rng.IntN(len(from))] }

func (s *schedule) newRequest() {
	if len(s.requests) >= 8 {
		return
	}
	opts := faketeleport.RequestOptions{ID: requestName(len(s.requests) + 1)}
	if s.rng.IntN(4) == 0 {
		opts.PendingTTL = time.Duration(1+s.rng.IntN(20)) * time.Minute
	}
	if s.accesses {
		opts.AccessTTL = 5*time.Minute + time.Duration(s.rng.Int64N(int64(longestAccess-5*time.Minute)))
	}
	if s.rng.IntN(3) == 0 {
		opts.Thresholds = []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 1}}
	}
	id := s.request(requester, "please", opts)
	s.requests = append(s.requests, id)
	s.tell("request %s", id)
}

// requestName is the id of a world's n-th request.
func requestName(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }

func (s *schedule) any() string {
	if len(s.requests) == 0 {
		s.newRequest()
	}
	return s.requests[s.rng.IntN(len(s.requests))]
}

func (s *schedule) someoneDrags() {
	who := pick(s, fakejira.AliceID, fakejira.BobID, fakejira.CarolID, fakejira.RobotID)
	to := pick(s, "Approved", "Denied", "Pending", "Expired", "Approved")
	id := s.any()
	s.tell("%s drags the issue of %s to %s", who, id, to)
	s.drag(id, to, who, pick(s, "", "reason: because"))
}

func (s *schedule) someoneReviews() {
	id, who := s.any(), pick(s, "rita", "rolf")
	state := pick(s, types.RequestState_APPROVED, types.RequestState_DENIED)
	s.tell("%s reviews %s: %s", who, id, state)
	s.review(who, id, state)
}

func (s *schedule) someoneRemoves() {
	id := s.any()
	s.tell("%s is removed or expires", id)
	if s.rng.IntN(2) == 0 {
		_ = s.cluster.Remove(id)
	} else {
		_ = s.cluster.Expire(id)
	}
}

func (s *schedule) jiraFails() {
	f := fakejira.Fault{
		Method: pick(s, "", "", "GET", "POST"),
		Times:  1 + s.rng.IntN(12),
		Effect: pick(s, fakejira.Respond, fakejira.Respond, fakejira.LoseAnswer, fakejira.LoseRequest,
			fakejira.Hang, fakejira.HangAfter, fakejira.Truncate),
		Status: pick(s, 500, 502, 503, 504, 429, 401),
		Body:   pick(s, "", fakejira.ProxyPage),
		Delay:  time.Duration(s.rng.IntN(5)) * time.Second,
	}
	s.tell("jira fails %d times: effect %d, status %d, method %q", f.Times, f.Effect, f.Status, f.Method)
	s.jira.Inject(f)
}

func (s *schedule) teleportFails() {
	method := pick(s, "", "UpdatePluginData", "GetPluginData", "SubmitAccessReview", "UpdatePluginData")
	f := faketeleport.Unavailable(method, 1+s.rng.IntN(4))
	if s.rng.IntN(2) == 0 {
		f = faketeleport.LoseAnswer(method, 1+s.rng.IntN(4))
	}
	s.tell("teleport fails: %s, after effect: %v", method, f.At == faketeleport.AfterEffect)
	s.cluster.Inject(f)
}

func (s *schedule) teleportRestarts() {
	s.tell("teleport stops")
	s.auth.Stop()
	<-time.After(time.Duration(s.rng.IntN(90)) * time.Second)
	s.tell("teleport starts")
	require.NoError(s.t, s.auth.Start())
}

func (s *schedule) watchersEnd() {
	s.tell("watchers end")
	s.cluster.CloseWatchers()
}

func (s *schedule) victim() *replica {
	for _, i := range s.rng.Perm(len(s.replicas)) {
		if !s.replicas[i].body.isDead() {
			return s.replicas[i]
		}
	}
	return nil
}

// crashes kills a replica after a few more calls, in the midst of whatever it
// does then, and starts another one sooner or later.
func (s *schedule) crashes() {
	r := s.victim()
	if r == nil {
		s.joins()
		return
	}
	r.body.mu.Lock()
	r.body.dieAt, r.body.after = r.body.calls+1+s.rng.IntN(30), s.rng.IntN(2) == 0
	r.body.mu.Unlock()
	s.tell("%s will crash", r.name)
	if s.rng.IntN(2) == 0 {
		s.joins()
	}
}

func (s *schedule) joins() {
	alive := 0
	for _, r := range s.replicas {
		if !r.body.isDead() {
			alive++
		}
	}
	if alive >= 5 {
		return
	}
	name := fmt.Sprintf("r%d", len(s.replicas))
	s.tell("%s joins", name)
	s.start(name, newBody())
}

// pauses stops a replica for up to three lives of a claim.
func (s *schedule) pauses() {
	if r := s.victim(); r != nil {
		d := time.Duration(s.rng.IntN(90)) * time.Second
		s.tell("%s is stopped for %s", r.name, d)
		r.body.stopFor(d)
	}
}
