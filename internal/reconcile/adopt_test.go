package reconcile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// A create whose outcome is unknown ends with one issue, made again no earlier
// than search must show that there is none.
func TestCreateOfUnknownOutcome(t *testing.T) {
	const tick = time.Second
	for name, tc := range map[string]struct {
		fault     fault
		searchLag time.Duration
		by        time.Duration // no issue is recorded a tick before, and one is a tick after
		creates   int
	}{
		"lost, and found at once":    {lost(), 0, 10 * time.Second, 1},
		"lost, and found at the end": {lost(), 40 * time.Second, searchGrace, 1},
		"without effect":             {unsent(), 0, searchGrace, 2},
		"refused for certain":        {refused(access.Temporary), 0, 500 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.tracker.searchLag = tc.searchLag
				w.next("CreateIssue", tc.fault)
				r := w.start()
				w.event(r)
				if tc.by > tick {
					w.pass(tc.by - tick)
				}
				require.Empty(t, w.record().IssueID)
				w.pass(3 * tick)
				w.inSync(pending)
				require.Equal(t, tc.creates, w.count("CreateIssue"))
				if tc.by < tick {
					require.Zero(t, w.count("FindIssues"), "nothing has to be looked for")
				} else {
					require.Equal(t, 1, w.log.count("create outcome unknown, waiting for search"))
				}
			})
		})
	}
}

func TestFirstCreateSearchesForNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.start()
		w.event(r)
		w.inSync(pending)
		require.Zero(t, w.count("FindIssues")+w.count("Search"))
		require.InDelta(t, 1, w.metric("issues_created_total", ""), 0)
	})
}

// An issue is adopted if the daemon created it for this request and it is no
// other one's, whatever its label and property say.
func TestAdopt(t *testing.T) {
	for name, tc := range map[string]struct {
		candidate issue
		known     bool // its request is another one, as a record says
		deleted   bool // while it is looked at
		adopted   bool
		says      string
	}{
		"by label":    {candidate: issue{createdFor: request, Issue: access.Issue{Labels: []string{request.Label()}}}, adopted: true},
		"by property": {candidate: issue{createdFor: request, Issue: access.Issue{RequestID: request}}, adopted: true},
		"without either, like the existing plugin's before it is edited": {candidate: issue{createdFor: request}, adopted: true},
		"a forged label": {
			candidate: issue{createdFor: "another", Issue: access.Issue{Labels: []string{request.Label()}}},
			says:      "issue claims a request it was not created for, ignored",
		},
		"a forged property": {
			candidate: issue{createdFor: "another", Issue: access.Issue{RequestID: request}},
			says:      "issue claims a request it was not created for, ignored",
		},
		"another request's property": {candidate: issue{createdFor: request, Issue: access.Issue{RequestID: "another"}}},
		"another request's label":    {candidate: issue{createdFor: request, Issue: access.Issue{Labels: []string{"teleport-another"}}}},
		"a label in other letters":   {candidate: issue{createdFor: "another", Issue: access.Issue{Labels: []string{"TELEPORT-0192-0001"}}}},
		"another request's by its record": {
			candidate: issue{createdFor: request, Issue: access.Issue{Labels: []string{request.Label()}}}, known: true,
		},
		"deleted meanwhile": {
			candidate: issue{createdFor: request, Issue: access.Issue{Labels: []string{request.Label()}}}, deleted: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				candidate := w.tracker.add(tc.candidate)
				w.setRecord(func(rec *access.Record) { rec.User = "alice" })
				r := w.start()
				if tc.known {
					w.request("another").State = access.Approved
					w.cluster.records["another"] = access.Record{IssueID: candidate.Ref.ID, IssueKey: candidate.Ref.Key, Resolution: access.Approved}
					r.OnRequest(access.RequestEvent{ID: "another"})
				}
				if tc.deleted {
					deletion := during(func() {
						w.mu.Lock()
						defer w.mu.Unlock()
						candidate.deleted = true
					})
					w.next("CreatedFor", deletion)
				}
				w.event(r)
				w.pass(searchGrace + 10*time.Second)
				rec := w.record()
				require.NotEmpty(t, rec.IssueID)
				require.Equal(t, tc.adopted, rec.IssueID == candidate.Ref.ID)
				require.Equal(t, tc.adopted, w.count("CreateIssue") == 0)
				require.Equal(t, tc.says != "", tc.says != "" && w.log.count(tc.says) > 0)
				require.False(t, rec.Ambiguous.MayHaveEffect())
			})
		})
	}
}

// What the issue of an earlier attempt shows is read before it counts as in
// step.
func TestAdoptedIssueIsRead(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.tracker.add(issue{createdFor: request, Issue: access.Issue{Labels: []string{request.Label()}}})
		w.tracker.change(i, bob, approved)
		w.setRecord(func(rec *access.Record) { rec.User = "alice" })
		r := w.start()
		w.event(r)
		w.pass(searchGrace + time.Second)
		w.inSync(approved)
		require.Equal(t, access.Approved, w.cluster.requests[request].State)
	})
}

// A search that fails leaves the outcome as unknown as it was.
func TestFailedSearchIsNoProofOfAbsence(t *testing.T) {
	for _, search := range []string{"FindIssues", "Search", "CreatedFor"} {
		t.Run(search, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.tracker.add(issue{createdFor: request, Issue: access.Issue{RequestID: request}})
				w.setRecord(func(rec *access.Record) { rec.User, rec.Ambiguous = "alice", "x" })
				w.next(search, refused(access.Temporary), refused(access.Temporary))
				r := w.start()
				w.event(r)
				w.pass(5 * time.Minute)
				w.inSync(pending)
				require.Zero(t, w.count("CreateIssue"))
			})
		})
	}
}
