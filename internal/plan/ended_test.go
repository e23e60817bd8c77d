package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

var ended = access.Status{ID: "6", Name: "Ended"}

// following are settings that follow the access of approved requests.
func following() plan.Policy {
	p := settings()
	p.Access.Track = true
	p.Statuses[access.Ended] = []string{"Ended"}
	return p
}

// approvedUntil is a request that was approved half an hour ago, as the daemon
// knows it.
func approvedUntil(until time.Time) plan.Snapshot {
	s := plan.Snapshot{ID: "r1", Request: request(access.Approved), Record: record(), Self: self, Now: now}
	s.Request.AccessExpires = until
	s.Request.Reviews = []access.Review{{Author: "bob@example.com", State: access.Approved, Created: now.Add(-30 * time.Minute)}}
	s.Record.Resolution, s.Record.ReviewsCount = access.Approved, 1
	s.Record.AccessFrom, s.Record.AccessUntil = access.UnixTimeOf(now.Add(-30*time.Minute)), access.UnixTimeOf(until)
	return s
}

// theEnd is the one step that says that the access has ended.
func theEnd(t *testing.T, steps []plan.Step) plan.EndAccess {
	t.Helper()
	var found []plan.EndAccess
	for _, step := range steps {
		if end, ok := step.Do.(plan.EndAccess); ok {
			found = append(found, end)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func TestAccessEndsByTheClock(t *testing.T) {
	for name, tc := range map[string]struct {
		until   time.Time
		deleted bool
		want    access.End
	}{
		"not yet":                         {now.Add(time.Second), false, ""},
		"this very second":                {now, false, ""},
		"over, and the request is there":  {now.Add(-time.Second), false, access.EndExpired},
		"over, and the request is gone":   {now.Add(-time.Hour), true, access.EndExpired},
		"gone just before, clocks differ": {now.Add(time.Minute), true, access.EndExpired},
		"gone long before":                {now.Add(time.Hour), true, access.EndDeleted},
		"gone, and nobody noted its time": {time.Time{}, true, ""},
		"there, and it gives no time":     {time.Time{}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := approvedUntil(tc.until)
			if tc.deleted {
				s.Request = nil
			}
			steps := following().Plan(s)
			if tc.want == "" {
				require.Empty(t, steps)
				return
			}
			require.Equal(t, tc.want, theEnd(t, steps).Cause)
			last := steps[len(steps)-1].Then
			require.Equal(t, tc.want, last.Ended)
			require.Equal(t, access.Ended, steps[0].Do.(plan.Transition).To)

			s.Record, s.Issue = last, issue(ended, &self)
			require.Empty(t, following().Plan(s), "once")
			require.Zero(t, following().NextLook(s))
		})
	}
}

func TestAccessIsNotFollowedUnlessAskedFor(t *testing.T) {
	s := approvedUntil(now.Add(-time.Minute))
	s.Record.AccessFrom, s.Record.AccessUntil = 0, 0
	require.Empty(t, settings().Plan(s))
	require.Zero(t, settings().NextLook(s))
}

func TestTimeOfTheAccessIsNoted(t *testing.T) {
	p := following()
	until := now.Add(4 * time.Hour)
	for name, tc := range map[string]struct {
		change func(*plan.Snapshot)
		from   time.Time
	}{
		"since the review": {func(*plan.Snapshot) {}, now.Add(-30 * time.Minute)},
		"since the move, where the state was set": {func(s *plan.Snapshot) {
			s.Request.Reviews, s.Issue = nil, issue(approved, &bob)
			s.Record.HandledChange = s.Issue.LastChange.ID
		}, now.Add(-time.Minute)},
		"since now, where nothing tells": {func(s *plan.Snapshot) { s.Request.Reviews = nil }, now},
		"since its start time":           {func(s *plan.Snapshot) { s.Request.AssumeStart = now.Add(time.Hour) }, now.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			s := approvedUntil(until)
			s.Record.AccessFrom, s.Record.AccessUntil = 0, 0
			tc.change(&s)
			steps := p.Plan(s)
			require.Len(t, steps, 1)
			require.Equal(t, plan.SaveRecord{}, steps[0].Do)
			require.Equal(t, access.UnixTimeOf(tc.from), steps[0].Then.AccessFrom)
			require.Equal(t, access.UnixTimeOf(until), steps[0].Then.AccessUntil)
			s.Record = steps[0].Then
			require.Empty(t, p.Plan(s))
			require.Equal(t, until.Add(time.Second), p.NextLook(s))
		})
	}
}

func TestEndIsTruthful(t *testing.T) {
	s := approvedUntil(now.Add(-10 * time.Minute))
	comment := theEnd(t, following().Plan(s)).Comment
	require.Contains(t, comment.Text, "from 2026-03-01 11:30 to 2026-03-01 11:50 UTC, 20m.")
	require.Contains(t, comment.Text, "unless the cluster disconnects sessions whose certificates have expired")
	require.Contains(t, comment.Text, "Request: alice@example.com, roles editor.")
	require.Equal(t, access.EndExpired, comment.Access.End)

	s = approvedUntil(now.Add(time.Hour))
	s.Request = nil
	comment = theEnd(t, following().Plan(s)).Comment
	require.Contains(t, comment.Text, "to 2026-03-01 12:00 UTC")
	require.Contains(t, comment.Text, "stay good until 2026-03-01 13:00 UTC. A lock ends them at once: tctl lock --access-request=r1")
}

func TestOrphanWhoseAccessEnded(t *testing.T) {
	p := following()
	until := now.Add(-48 * time.Hour)
	s := plan.Snapshot{
		ID: "r1", Self: self, Now: now, Issue: issue(approved, &bob), Reported: access.Approved,
		Access: access.Period{From: access.UnixTimeOf(until.Add(-time.Hour)), Until: access.UnixTimeOf(until)},
	}
	steps := p.PlanOrphan(s)
	require.Equal(t, access.EndExpired, theEnd(t, steps).Cause)
	require.Equal(t, access.Ended, steps[1].Do.(plan.Transition).To)

	s.Access.End = access.EndExpired
	require.Len(t, p.PlanOrphan(s), 1, "said already, and not moved")
	s.Access = access.Period{}
	require.Empty(t, p.PlanOrphan(s), "approved before anybody followed accesses")
	s.Access, s.Reported = access.Period{Until: access.UnixTimeOf(until)}, ""
	require.Empty(t, p.PlanOrphan(s), "no word of the daemon's")
}
