package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

var revoked = access.Status{ID: "7", Name: "Revoked"}

// revoking are settings with a status that ends accesses.
func revoking() plan.Policy {
	p := following()
	p.Statuses[access.Revoked] = []string{"Revoked"}
	return p
}

// theLock is the lock that is planned first; nil when none is.
func theLock(steps []plan.Step) *plan.Lock {
	if len(steps) > 0 {
		if lock, ok := steps[0].Do.(plan.Lock); ok {
			return &lock
		}
	}
	return nil
}

// revocationRefusal is why the person may not end the access; "" when they may.
// The requester may, and nothing has to be mapped, unclear or in time for that.
func revocationRefusal(p somebody, pol policy, mode access.ReviewMode, place, how string) plan.Refusal {
	mapped := p.teleport != "" || p.looked.TraitUser != ""
	for _, r := range []struct {
		holds bool
		why   plan.Refusal
	}{
		{how == "daemon", plan.RefusedOwnAccount},
		{place == "another project" || place == "moved in another project" && how == "person", plan.RefusedOtherProject},
		{place == "another request's", plan.RefusedOtherRequest},
		{place == "moved before the request" && how == "person", plan.RefusedTooEarly},
		{place == "type changed" && how == "person", plan.RefusedTypeChanged},
		{place == "history with a gap" && how == "person", plan.RefusedHistory},
		{place == "status renamed" && how == "person", plan.RefusedRenamed},
		{how == "unseen" || p.not == plan.RefusedNoAuthor, plan.RefusedNoAuthor},
		{pol.refuses == plan.RefusedDenied && p.actor.ID != "", plan.RefusedDenied},
		{p.not == plan.RefusedCustomer, plan.RefusedCustomer},
		{p.app && !pol.named, plan.RefusedApp},
		{p.not == plan.RefusedInactive, plan.RefusedInactive},
		{p.requester, ""},
		{pol.refuses != "", pol.refuses},
		{(mode == access.ModeOnBehalf || pol.mapping) && p.looked.TraitUsers > 1 && p.teleport == "", plan.RefusedAmbiguous},
		{(mode == access.ModeOnBehalf || pol.mapping) && !mapped, plan.RefusedUnmapped},
	} {
		if r.holds {
			return r.why
		}
	}
	return ""
}

// TestRevokingMatrix holds the rows of the decision matrix about a card that is
// moved to where it ends the access of its approved request.
func TestRevokingMatrix(t *testing.T) {
	rows := 0
	for who, p := range people() {
		for polName, pol := range policies() {
			for _, mode := range []access.ReviewMode{access.ModeReview, access.ModeOnBehalf, access.ModeState} {
				for _, place := range places {
					for _, how := range []string{"person", "daemon", "unseen"} {
						if place == "another cluster" {
							continue
						}
						row := strings.Join([]string{who, polName, string(mode), place, how}, ", ")
						s, v := matrixView(p, pol, mode, access.Approved, place, cardMove{revoked, how})
						s.Access.Track, s.Statuses[access.Revoked] = true, []string{"Revoked"}
						v.Record.Resolution, v.Request.AccessExpires = access.Approved, v.Now.Add(time.Hour)
						v.Record.AccessFrom, v.Record.AccessUntil = access.UnixTimeOf(v.Now.Add(-time.Hour)), access.UnixTimeOf(v.Request.AccessExpires)
						checkRevocation(t, row, s, v, revocationRefusal(p, pol, mode, place, how), place)
						rows++
					}
				}
			}
		}
	}
	require.Greater(t, rows, 5_000)
}

func checkRevocation(t *testing.T, row string, s plan.Policy, v plan.Snapshot, want plan.Refusal, place string) {
	t.Helper()
	steps := s.Plan(v)
	if want == "" {
		lock := theLock(steps)
		require.NotNil(t, lock, row)
		require.Len(t, steps, 1, row)
		require.Equal(t, v.Issue.LastChange.By, lock.Decision.By, row)
		v.Record = steps[0].Then
		require.Nil(t, theLock(s.Plan(v)), row)
		require.Equal(t, access.EndRevoked, theEnd(t, s.Plan(v)).Cause, row)
		return
	}
	require.Nil(t, theLock(steps), row)
	refuse, ok := steps[0].Do.(plan.Refuse)
	require.True(t, ok, row)
	require.Equal(t, want, refuse.Why, row)
	require.Equal(t, access.Revoked, refuse.Decision.State, row)
	require.Contains(t, refuse.Comment.Text, "this ended no access", row)
	back := place != "another project" && place != "another request's"
	require.Equal(t, back, len(steps) == 2, row)
	if back {
		require.Equal(t, access.Approved, steps[1].Do.(plan.Transition).To, row)
	}
	v.Record = steps[len(steps)-1].Then
	require.False(t, answers(s.Plan(v)), "%s: answered twice", row)
}

func TestWhoApprovedInTeleportMayEndTheAccess(t *testing.T) {
	p := revoking()
	p.Review.Approvers = []string{"id:nobody"}
	p.Review.Users = map[string]string{"id:b1": "robert"}
	s := approvedUntil(now.Add(time.Hour))
	s.Issue, s.Person = issue(revoked, &bob), &plan.Person{}
	require.Nil(t, theLock(p.Plan(s)))
	s.Request.Reviews[0].Author = "robert"
	require.NotNil(t, theLock(p.Plan(s)))
	s.Reviewer = "robert"
	require.Nil(t, theLock(p.Plan(s)), "the daemon's own reviews are nobody's in Teleport")
	s.Reviewer, s.Request.Reviews[0].State = "", access.Denied
	require.Nil(t, theLock(p.Plan(s)))
}

func TestLockOutlivesTheAccess(t *testing.T) {
	for name, left := range map[string]time.Duration{"hours left": 3 * time.Hour, "seconds left": time.Second} {
		t.Run(name, func(t *testing.T) {
			s := approvedUntil(now.Add(left))
			s.Issue, s.Person = issue(revoked, &bob), &plan.Person{}
			lock := theLock(revoking().Plan(s))
			require.NotNil(t, lock)
			require.False(t, lock.Lock.Expires.Before(s.Request.AccessExpires))
			require.False(t, lock.Lock.Expires.Before(now.Add(10*time.Minute)), "one whose time has passed does nothing")
			require.Contains(t, lock.Lock.Message, "bob@example.com (account b1)")
			require.Contains(t, lock.Lock.Message, "TAR-1")
			require.Equal(t, access.LockedByChange("77"), lock.By)
		})
	}
}

func TestLockMessageIsOneLineWithTheWholeAccount(t *testing.T) {
	s := approvedUntil(now.Add(time.Hour))
	mallory := bob
	mallory.DisplayName = strings.Repeat("x", 5000) + "\nlock: lifted"
	s.Issue, s.Person = issue(revoked, &mallory), &plan.Person{}
	lock := theLock(revoking().Plan(s))
	require.LessOrEqual(t, len(lock.Lock.Message), 1000)
	require.NotContains(t, lock.Lock.Message, "\n")
	require.Contains(t, lock.Lock.Message, "account b1")
}

func TestMaxDurationIsOfAccessThatWasGrantedThroughJira(t *testing.T) {
	p := revoking()
	p.Access.MaxDuration = 20 * time.Minute
	s := approvedUntil(now.Add(time.Hour))
	s.Record.AccessUntil = 0 // not noted yet
	d := access.Decision{Issue: s.Record.Issue(), ChangeID: "77", State: access.Approved, By: bob}
	note := func(reason string) access.Record {
		s.Request.Reviews[0].Reason = reason
		steps := p.Plan(s)
		require.Len(t, steps, 1)
		return steps[0].Then
	}
	require.Zero(t, note("fine with me").LockAt, "granted in Teleport")
	require.Equal(t, access.UnixTimeOf(now.Add(-10*time.Minute)), note(d.ReasonAs("fine", "Bob")).LockAt)
	p.Access.MaxDuration = 2 * time.Hour
	require.Zero(t, note(d.ReasonAs("fine", "Bob")).LockAt, "it ends before")
}

func TestMaxDurationLocksWhenItsTimeComes(t *testing.T) {
	p := revoking()
	p.Access.MaxDuration = 20 * time.Minute
	due := access.UnixTimeOf(now)
	for name, tc := range map[string]struct {
		change func(*plan.Snapshot)
		locks  bool
		tells  string // what is said along with it
	}{
		"due":                       {func(*plan.Snapshot) {}, true, ""},
		"not yet":                   {func(s *plan.Snapshot) { s.Record.LockAt++ }, false, ""},
		"locked already":            {func(s *plan.Snapshot) { s.Record.LockedBy = "max_duration" }, false, "access/ended"},
		"over by itself":            {func(s *plan.Snapshot) { s.Now = now.Add(2 * time.Hour) }, false, "access/ended"},
		"deleted a moment ago":      {func(s *plan.Snapshot) { s.Request = nil }, true, ""},
		"deleted, and that is said": {func(s *plan.Snapshot) { s.Request, s.Record.Ended = nil, access.EndDeleted }, true, "access/locked"},
		"denied afterwards": {func(s *plan.Snapshot) {
			s.Request.State, s.Record.Resolution = access.Denied, access.Denied
		}, true, "access/locked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := approvedUntil(now.Add(time.Hour))
			s.Record.LockAt = due
			tc.change(&s)
			steps := p.Plan(s)
			require.Equal(t, tc.locks, theLock(steps) != nil, brief(steps))
			if tc.tells != "" {
				require.True(t, steps[len(steps)-1].Writes(tc.tells), brief(steps))
			}
			off := p
			off.Access.MaxDuration = 0
			require.Nil(t, theLock(off.Plan(s)), "once it is no longer configured")
		})
	}
	s := approvedUntil(now.Add(time.Hour))
	s.Record.LockAt = due + 60
	require.Equal(t, now.Add(time.Minute), p.NextLook(s))
}

func TestLockThatTeleportRefuses(t *testing.T) {
	p := revoking()
	p.Access.MaxDuration = 30 * time.Minute
	s := approvedUntil(now.Add(time.Hour))
	s.Record.LockAt = access.UnixTimeOf(now)
	steps := p.AfterLock(s, *theLock(p.Plan(s)), "add the rule")
	require.Contains(t, texts(steps), "add the rule")
	s.Record = steps[0].Then
	require.Nil(t, theLock(p.Plan(s)), "not at once again")
	s.Now = s.Record.LockAt.Time()
	s.Record.AccessUntil, s.Request.AccessExpires = access.UnixTimeOf(now.Add(9*time.Hour)), now.Add(9*time.Hour)
	steps = p.AfterLock(s, *theLock(p.Plan(s)), "add the rule")
	require.Empty(t, texts(steps), "said once")
}

func TestEndedByALockSaysByWhom(t *testing.T) {
	p := revoking()
	s := approvedUntil(now.Add(time.Hour))
	s.Issue = issue(revoked, &bob)
	s.Record.LockedBy = access.LockedByChange("77")
	steps := p.Plan(s)
	require.Len(t, steps, 1, "it stays where it was moved")
	require.Contains(t, theEnd(t, steps).Comment.Text, "Bob <bob@example.com> moved this issue to Revoked. A lock on the request")
	s.Record = steps[0].Then
	require.Empty(t, p.Plan(s))
	require.Zero(t, p.NextLook(s))

	s = approvedUntil(now.Add(time.Hour))
	p.Access.MaxDuration = 4 * time.Hour
	s.Record.LockedBy = access.LockedBy(access.LockMaxDuration)
	steps = p.Plan(s)
	require.Equal(t, access.Ended, steps[0].Do.(plan.Transition).To)
	require.Contains(t, theEnd(t, steps).Comment.Text, "It had lasted 4h, the longest")
}
