package sim_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// longestAccess is how long the access of requests in these worlds lasts at most.
const longestAccess = 90 * time.Minute

// newEndingWorld makes a world whose board has columns for accesses that ended, and
// whose daemon may make locks. It follows accesses unless track is false.
func newEndingWorld(t *testing.T, flavour fakejira.Flavour, track bool, change func(*fakejira.Options, *faketeleport.Config)) *world {
	w := newWorld(t, flavour, func(o *fakejira.Options, c *faketeleport.Config) {
		flow := &o.Projects[0].Workflow
		flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10110", Name: "Ended", Category: fakejira.Done},
			fakejira.Status{ID: "10111", Name: "Revoked", Category: fakejira.Done})
		flow.Transitions = append(flow.Transitions, fakejira.Transition{ID: "61", Name: "End", To: "Ended"},
			fakejira.Transition{ID: "71", Name: "Revoke", To: "Revoked"})
		if change != nil {
			change(o, c)
		}
	})
	locks := faketeleport.Role{Name: "locks", CreateLocks: true, UpdateLocks: true}
	w.cluster.PutRole(locks)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{
		faketeleport.RolePluginReviewer, faketeleport.RoleAccessPluginWithUpdate, locks.Name,
	}})
	if track {
		w.follow()
	}
	return w
}

// follow has the replicas that start from now on follow accesses.
func (w *world) follow() {
	w.policy.Access.Track = true
	w.policy.Statuses[access.Ended] = []string{"Ended"}
	w.policy.Statuses[access.Revoked] = []string{"Revoked"}
}

// locked is how many locks were put on the request.
func (w *world) locked(id string) (n int) {
	for _, e := range w.cluster.Audit() {
		if e.Type == faketeleport.AuditLock && e.RequestID == id {
			n++
		}
	}
	return n
}

// approvedAt is when the request was approved; the zero time when it never was.
func (w *world) approvedAt(id string) time.Time {
	for _, e := range w.cluster.Audit() {
		if e.RequestID == id && e.State == types.RequestState_APPROVED && e.Type != faketeleport.AuditLock {
			return e.Time
		}
	}
	return time.Time{}
}

// mayRevoke reports whether a lock on the request is backed: by a move to Revoked,
// after the approval, of somebody who may end the access, or by its length.
func (w *world) mayRevoke(id string, issue fakejira.Issue) bool {
	approved := w.approvedAt(id)
	if approved.IsZero() {
		return false
	}
	if longest := w.policy.Access.MaxDuration; longest > 0 && time.Since(approved) >= longest {
		return true
	}
	return slices.ContainsFunc(issue.Changelog, func(c fakejira.Change) bool {
		app := c.Author == fakejira.RobotID && w.jira.Flavour() == fakejira.Cloud
		return !app && c.Author != fakejira.BotID && slices.ContainsFunc(c.Items, func(item fakejira.ChangeItem) bool {
			return item.Field == "status" && item.ToString != nil && *item.ToString == "Revoked"
		})
	})
}

// endFaults returns what is wrong with how the end of each access was told. All
// accesses are over.
func (w *world) endFaults(ids []string) (faults []string) {
	for _, id := range ids {
		found := w.issues(id)
		if len(found) != 1 {
			if len(found) > 1 || w.locked(id) > 0 {
				faults = append(faults, fmt.Sprintf("request %s has %d issues, %d locks", id, len(found), w.locked(id)))
			}
			continue
		}
		for _, fault := range w.endFaultsOf(id, found[0]) {
			faults = append(faults, fmt.Sprintf("issue %s of %s ", found[0].Key, id)+fault)
		}
	}
	return faults
}

func (w *world) endFaultsOf(id string, issue fakejira.Issue) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	marks := marks(issue)
	for mark, n := range marks {
		if n != 1 {
			add("has %d comments %s, at %s", n, mark, times(issue, mark))
		}
	}
	followed, told, isLocked := marks["resolution/approved"] > 0, marks["access/ended"] > 0, w.locked(id) > 0
	says := slices.ContainsFunc(issue.Comments, func(c fakejira.Comment) bool {
		return c.Author == fakejira.BotID && strings.Contains(c.Body, "A lock on the request is in force")
	})
	switch {
	case followed && !told:
		add("does not say that its access has ended")
	case told && !followed:
		add("says that an access has ended that it never said was given")
	case told && issue.Status.Name != "Ended" && issue.Status.Name != "Revoked" && !isLeft(issue):
		add("is %s, and its access has ended", issue.Status.Name)
	}
	switch {
	case isLocked && !w.mayRevoke(id, issue):
		add("is of a request that nobody who may has locked")
	case says != isLocked:
		add("says that the request is locked: %t; it has %d locks", says, w.locked(id))
	case followed && issue.Status.Name == "Revoked" && !isLocked && !isLeft(issue):
		add("is Revoked, and the request is not locked")
	}
	return faults
}

// TestSimulateEnds runs a quarter of SIM_RUNS seeded worlds, from SIM_SEED on, in which accesses
// end by themselves, by deletion and by locks, while answers are lost, replicas
// crash between a lock and its note, and in some nobody is there for two days.
func TestSimulateEnds(t *testing.T) {
	runs, first := max(2, fromEnv(t, "SIM_RUNS", 40)/4), fromEnv(t, "SIM_SEED", 1)
	for seed := first; seed < first+runs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { simulateEnds(t, seed) })
	}
}

func simulateEnds(t *testing.T, seed uint64) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 2))
		flavour := []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter}[rng.IntN(2)]
		s := &schedule{rng: rng, spoilt: map[string]bool{}, accesses: true}
		s.world = newEndingWorld(t, flavour, true, func(o *fakejira.Options, c *faketeleport.Config) {
			o.SearchLag = time.Duration(rng.IntN(60)) * time.Second
			o.Latency = time.Duration(rng.IntN(200)) * time.Millisecond
			c.NoDeleteAtExpiry = rng.IntN(3) == 0
			c.DeleteDelay = time.Duration(rng.IntN(5)) * time.Minute
		})
		defer s.world.close()
		if rng.IntN(3) == 0 {
			s.policy.Access.MaxDuration = 15 * time.Minute
		}
		if rng.IntN(2) == 0 {
			s.webhooks(nil)
		}
		if faults := s.runEnds(); len(faults) > 0 {
			t.Fatalf("seed %d:\n%s\n\nwhat happened:\n%s\n%s", seed,
				strings.Join(faults, "\n"), strings.Join(s.told, "\n"), s.world.logs.String())
		}
	})
}

// runEnds is run for accesses: what is wrong once all of them are over.
func (s *schedule) runEnds() []string {
	for i := range 1 + s.rng.IntN(3) {
		s.start(fmt.Sprintf("r%d", i), newBody())
	}
	for end := time.Now().Add(disorder); time.Now().Before(end); s.happen() {
		pass(time.Duration(s.rng.ExpFloat64() * float64(20*time.Second)))
	}
	if s.rng.IntN(3) == 0 {
		s.tell("nobody is there for two days")
		for _, r := range s.replicas {
			r.retire()
		}
		pass(48 * time.Hour)
	}
	s.tell("peace")
	s.jira.ClearFaults()
	s.cluster.ClearFaults()
	_ = s.auth.Start() // It fails if it runs.
	for _, r := range s.replicas {
		r.body.stopFor(0)
	}
	s.start("last", newBody())
	s.rest()
	return append(s.endFaults(s.requests), s.decidedWrongly()...)
}

// accessThings is what people do about accesses.
func (s *schedule) accessThings() []thing {
	return []thing{{25, s.someoneRevokes}, {4, s.someoneDeletes}, {6, s.locksFail}}
}

func (s *schedule) someoneRevokes() {
	who := pick(s, fakejira.AliceID, fakejira.BobID, fakejira.CarolID, fakejira.RobotID)
	to := pick(s, "Revoked", "Revoked", "Ended", "Approved")
	id := s.any()
	s.tell("%s drags the issue of %s to %s", who, id, to)
	s.drag(id, to, who, "")
}

func (s *schedule) someoneDeletes() {
	id := s.any()
	s.tell("%s is deleted", id)
	_ = s.cluster.Remove(id)
}

func (s *schedule) locksFail() {
	f := pick(s, faketeleport.LoseAnswer("UpsertLock", 1), faketeleport.Unavailable("UpsertLock", 2))
	s.tell("locks fail, after effect: %v", f.At == faketeleport.AfterEffect)
	s.cluster.Inject(f)
}

// TestCrashAtEveryCallOfAnEnd kills the only replica after each call in a story with
// every kind of end, and starts another.
func TestCrashAtEveryCallOfAnEnd(t *testing.T) {
	calls := endStory(t, 0)
	require.Greater(t, calls, 60, "the story has become too short")
	for at := 1; at <= calls; at++ {
		endStory(t, at)
	}
}

// endStory has one access expire, one revoked by a person, one that lasts too long
// and one whose request is deleted. It returns how many calls the first replica made.
func endStory(t *testing.T, at int) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		w := newEndingWorld(t, fakejira.Cloud, true, nil)
		defer w.close()
		w.policy.Access.MaxDuration = 20 * time.Minute
		w.webhooks(nil)
		w.poll = 0
		first := newBody()
		first.dieAt, first.after = at, true
		w.start("first", first)
		story := make(chan []string)
		go func() { story <- w.tellEnds() }()
		var ids []string
		select {
		case ids = <-story:
		case <-first.died:
			w.start("second", newBody())
			ids = <-story
		}
		faults := w.endFaults(ids)
		for i, locks := range []bool{false, true, true, true} {
			issue := w.issue(ids[i])
			if marks(issue)["access/ended"] == 0 || locks != (w.locked(ids[i]) > 0) {
				faults = append(faults, fmt.Sprintf("access %d, ended: %d, locks: %d", i, marks(issue)["access/ended"], w.locked(ids[i])))
			}
		}
		if len(faults) > 0 {
			t.Fatalf("crash at call %d (%s):\n%s\n%s", at, first.diedAt, strings.Join(faults, "\n"), w.logs.String())
		}
		calls = first.calls
	})
	return calls
}

// tellEnds has one access expire, one revoked by a person, one whose request is
// deleted, and one that lasts too long, and stops everybody once all are over.
func (w *world) tellEnds() []string {
	expires := w.request(requester, "x", faketeleport.RequestOptions{AccessTTL: 15 * time.Minute})
	ids := []string{expires, w.request(requester, "x", faketeleport.RequestOptions{AccessTTL: 40 * time.Minute})}
	ids = append(ids, w.request(requester, "x", faketeleport.RequestOptions{AccessTTL: 40 * time.Minute}),
		w.request(requester, "x", faketeleport.RequestOptions{AccessTTL: 40 * time.Minute}))
	pass(4 * time.Minute)
	for _, id := range ids {
		w.drag(id, "Approved", fakejira.BobID, "")
	}
	pass(4 * time.Minute)
	w.drag(ids[1], "Revoked", fakejira.BobID, "")
	pass(time.Minute)
	_ = w.cluster.Remove(ids[2]) // What was issued for it stays good, until it has lasted too long.
	pass(40 * time.Minute)
	w.stopAll()
	return ids
}

// stopAll stops all replicas once they are at rest.
func (w *world) stopAll() {
	synctest.Wait()
	for _, r := range w.replicas {
		r.halt()
	}
}

// rest lets all accesses end, and stops all replicas.
func (w *world) rest() {
	pass(longestAccess + time.Hour)
	w.stopAll()
}

// inEndingWorld runs a scene in which all accesses end.
func inEndingWorld(t *testing.T, track bool, scene func(w *world) []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newEndingWorld(t, fakejira.Cloud, track, func(o *fakejira.Options, _ *faketeleport.Config) { o.SearchLag = 20 * time.Second })
		defer w.close()
		ids := scene(w)
		w.rest()
		if faults := w.endFaults(ids); len(faults) > 0 {
			t.Fatalf("%s\n%s", strings.Join(faults, "\n"), w.logs.String())
		}
	})
}

// granted is a request that Bob approves, whose access lasts half an hour.
func (w *world) granted() string {
	id := w.request(requester, "x", faketeleport.RequestOptions{AccessTTL: 30 * time.Minute})
	pass(time.Minute)
	w.drag(id, "Approved", fakejira.BobID, "")
	pass(2 * time.Minute)
	require.Equal(w.t, access.Approved, w.state(id))
	return id
}

// TestAnswersAboutEndsAreLost loses the answer of each kind of call once, after its
// effect, about an access that somebody ends, between two replicas.
func TestAnswersAboutEndsAreLost(t *testing.T) {
	jira := func(route string) func(*world) {
		return func(w *world) {
			w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: route, Effect: fakejira.LoseAnswer, Times: 1})
		}
	}
	teleport := func(method string) func(*world) {
		return func(w *world) { w.cluster.Inject(faketeleport.LoseAnswer(method, 1)) }
	}
	for name, lose := range map[string]func(*world){
		"comment": jira(fakejira.RouteComments), "transition": jira(fakejira.RouteTransitions),
		"lock": teleport("UpsertLock"), "record": teleport("UpdatePluginData"),
	} {
		for how, end := range map[string]func(*world, string){
			"revoked": func(w *world, id string) { w.drag(id, "Revoked", fakejira.CarolID, "") },
			"expired": func(*world, string) {},
			"deleted": func(w *world, id string) { require.NoError(w.t, w.cluster.Remove(id)) },
		} {
			t.Run(name+" of one "+how, func(t *testing.T) {
				inEndingWorld(t, true, func(w *world) []string {
					w.start("r0", newBody())
					w.start("r1", newBody())
					id := w.granted()
					lose(w)
					end(w, id)
					pass(time.Hour)
					require.Equal(t, how == "revoked", w.locked(id) > 0)
					require.Equal(t, 1, marks(w.issue(id))["access/ended"])
					return []string{id}
				})
			})
		}
	}
}

// TestNobodyThereForTwoDays: accesses end while no daemon runs, for so long that
// nothing but the issues is left of them. Each end is told once.
func TestNobodyThereForTwoDays(t *testing.T) {
	inEndingWorld(t, true, func(w *world) []string {
		first := w.start("r0", newBody())
		expires, moved := w.granted(), w.granted()
		first.retire()
		w.drag(moved, "Revoked", fakejira.BobID, "") // Too late for a lock once somebody is there.
		pass(48 * time.Hour)
		w.start("r1", newBody())
		w.start("r2", newBody())
		pass(30 * time.Minute)
		require.Equal(w.t, 1, marks(w.issue(expires))["access/ended"])
		require.Equal(w.t, "Ended", w.issue(expires).Status.Name)
		require.Zero(w.t, w.locked(moved))
		return []string{expires}
	})
}

// TestFirstStartTellsNothingOfOldIssues: requests were approved and their accesses
// ended before anybody followed accesses.
func TestFirstStartTellsNothingOfOldIssues(t *testing.T) {
	inEndingWorld(t, false, func(w *world) []string {
		first := w.start("r0", newBody())
		old, deleted := w.granted(), w.granted()
		require.NoError(w.t, w.cluster.Remove(deleted))
		pass(2 * time.Hour)
		first.retire()
		w.follow()
		w.start("r1", newBody())
		w.start("r2", newBody())
		pass(3 * time.Hour)
		for _, id := range []string{old, deleted} {
			require.Equal(w.t, "Approved", w.issue(id).Status.Name)
			require.Zero(w.t, marks(w.issue(id))["access/ended"])
		}
		return []string{w.granted()}
	})
}
