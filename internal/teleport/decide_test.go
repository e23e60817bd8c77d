package teleport_test

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
)

// decision is Bob's, who is mapped to the Teleport user bob.
func decision(id access.RequestID, state access.State) access.Decision {
	return access.Decision{
		RequestID: id, State: state, Reason: "looks fine", Author: "bob",
		By:       access.Actor{ID: "557058:0b1c", DisplayName: "Bob", Email: "bob@example.com"},
		Issue:    access.IssueRef{ID: "10001", Key: "TAR-1"},
		ChangeID: "10203",
	}
}

const bobsReason = "looks fine (Bob <bob@example.com>, account 557058:0b1c in Jira issue TAR-1) [jira 10001/10203]"

func TestDecisionReachesTheCluster(t *testing.T) {
	for name, tc := range map[string]struct {
		mode     access.ReviewMode
		role     string
		reviewer string
	}{
		"as a review":       {access.ModeReview, faketeleport.RolePluginReviewer, bot},
		"chosen by itself":  {access.ModeAuto, faketeleport.RolePluginReviewer, bot},
		"on behalf":         {access.ModeOnBehalf, faketeleport.RolePluginReviewer, "bob"},
		"as a state":        {access.ModeState, faketeleport.RoleAccessPluginWithUpdate, bot},
		"state where it is": {access.ModeAuto, faketeleport.RoleAccessPluginWithUpdate, bot},
	} {
		for _, state := range []access.State{access.Approved, access.Denied} {
			t.Run(name+", "+string(state), func(t *testing.T) {
				w := newWorld(t, faketeleport.Config{OnBehalf: true}, tc.role)
				w.cluster.PutUser(faketeleport.User{Name: "bob", Roles: []string{faketeleport.RoleReviewer}})
				w.cfg.ReviewMode = tc.mode
				clt := w.connect()
				id := w.request("alice", faketeleport.RequestOptions{})

				out, err := clt.Decide(t.Context(), decision(id, state))
				require.NoError(t, err)
				require.Equal(t, access.Submitted, out.Result, out.Detail)
				require.Equal(t, tc.reviewer, out.Reviewer)
				mode, _ := clt.ReviewMode()
				require.Equal(t, mode, out.Mode)
				require.NotNil(t, out.Request)
				require.Equal(t, state, out.Request.State)
				require.Equal(t, bobsReason, out.Request.ResolveReason)
			})
		}
	}
}

// TestLongReasonIsCutToTheServersLimit: the server counts bytes, and a refused
// reason would leave the request pending.
func TestLongReasonIsCutToTheServersLimit(t *testing.T) {
	for _, mode := range []access.ReviewMode{access.ModeReview, access.ModeState} {
		t.Run(string(mode), func(t *testing.T) {
			w := newWorld(t, faketeleport.Config{}, "all")
			w.cluster.PutRole(faketeleport.Role{
				Name: "all", ListRequests: true, UpdateRequests: true, PluginData: true, ReviewRequests: []string{"*"},
			})
			w.cfg.ReviewMode = mode
			clt := w.connect()
			id := w.request("alice", faketeleport.RequestOptions{})
			d := decision(id, access.Approved)
			d.Reason = strings.Repeat("あ", 2000)
			d.By.DisplayName = strings.Repeat("名", 300)

			out, err := clt.Decide(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, access.Submitted, out.Result, out.Detail)
			reason := out.Request.ResolveReason
			require.Greater(t, len(reason), 4000)
			require.True(t, strings.HasPrefix(reason, strings.Repeat("あ", 1000)))
			require.True(t, strings.HasSuffix(reason, d.Token()))

			out, err = clt.Decide(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, access.Submitted, out.Result, "the token finds the decision")
		})
	}
}

func TestAuditTrailNamesThePerson(t *testing.T) {
	w := newWorld(t, faketeleport.Config{OnBehalf: true})
	w.cluster.PutUser(faketeleport.User{Name: "bob", Roles: []string{faketeleport.RoleReviewer}})
	w.cluster.PutRole(faketeleport.Role{
		Name: "all", ListRequests: true, UpdateRequests: true, PluginData: true,
		ReviewRequests: []string{"*"}, SubmitForUsers: []string{"*"},
	})
	w.cluster.PutUser(faketeleport.User{Name: bot, Roles: []string{"all"}})
	for _, mode := range []access.ReviewMode{access.ModeState, access.ModeOnBehalf} {
		w.cfg.ReviewMode = mode
		_, err := w.connect().Decide(t.Context(), decision(w.request("alice", faketeleport.RequestOptions{}), access.Approved))
		require.NoError(t, err)
	}
	var delegators, submitters []string
	for _, event := range w.cluster.Audit() {
		if event.Delegator != "" {
			delegators = append(delegators, event.Delegator)
		}
		if event.SubmittedBy != "" {
			submitters = append(submitters, event.SubmittedBy)
		}
	}
	require.Equal(t, []string{"jira:bob@example.com (account 557058:0b1c)"}, delegators)
	require.Equal(t, []string{bot}, submitters)
}

func TestReviewMayLeaveTheRequestPending(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{
		Thresholds: []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 1}},
	})
	out, err := clt.Decide(t.Context(), decision(id, access.Approved))
	require.NoError(t, err)
	require.Equal(t, access.Submitted, out.Result)
	require.Equal(t, access.Pending, out.Request.State)
	require.Len(t, out.Request.Reviews, 1)

	other := decision(id, access.Approved)
	other.ChangeID = "10999"
	out, err = clt.Decide(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, access.AlreadyReviewed, out.Result)
	require.Equal(t, access.Pending, out.Request.State)
}

func TestFinalAnswersAreOutcomes(t *testing.T) {
	const update = faketeleport.RoleAccessPluginWithUpdate
	const review = faketeleport.RolePluginReviewer
	for name, tc := range map[string]struct {
		cluster faketeleport.Config
		mode    access.ReviewMode
		role    string
		before  func(*world, access.RequestID)
		change  func(*access.Decision)
		want    access.Result
		says    string
	}{
		"settled before the review": {
			mode: access.ModeReview, role: review, before: denyFirst, want: access.AlreadySettled, says: "already denied",
		},
		"settled before the state": {
			mode: access.ModeState, role: update, before: denyFirst, want: access.AlreadySettled, says: "already denied",
		},
		"deleted before the review": {
			mode: access.ModeReview, role: review, before: removeFirst, want: access.AlreadySettled, says: "was deleted or has expired",
		},
		"deleted before the state": {
			mode: access.ModeState, role: update, before: removeFirst, want: access.AlreadySettled, says: "was deleted or has expired",
		},
		"no right to review": {
			mode: access.ModeReview, role: faketeleport.RoleAccessPlugin,
			want: access.NotAllowed, says: "allow.review_requests.roles",
		},
		"no right to review these roles": {
			mode: access.ModeReview, role: "db-reviewer", before: limitedReviewer,
			want: access.NotAllowed, says: "allow.review_requests.roles with the requested roles",
		},
		"no right to set the state": {
			mode: access.ModeState, role: faketeleport.RoleAccessPlugin,
			want: access.NotAllowed, says: "verbs: [update]",
		},
		"neither right": {
			mode: access.ModeAuto, role: faketeleport.RoleAccessPlugin,
			want: access.NotAllowed, says: "allow.review_requests.roles with the requested roles, such as ['*'], or allow.rules",
		},
		"nobody to review on behalf of": {
			cluster: faketeleport.Config{OnBehalf: true}, mode: access.ModeOnBehalf, role: review,
			change: func(d *access.Decision) { d.Author = "" },
			want:   access.NotAllowed, says: "no Teleport user is known for bob@example.com",
		},
		"a server that knows no reviews on behalf": {
			mode: access.ModeOnBehalf, role: review,
			want: access.NotAllowed, says: "allow.review_requests.submit_for_users",
		},
		"an author who may not review": {
			cluster: faketeleport.Config{OnBehalf: true}, mode: access.ModeOnBehalf, role: review,
			before: func(w *world, _ access.RequestID) { w.cluster.PutUser(faketeleport.User{Name: "bob"}) },
			want:   access.NotAllowed, says: `"bob"`,
		},
		"the requester on own behalf": {
			cluster: faketeleport.Config{OnBehalf: true}, mode: access.ModeOnBehalf, role: review,
			change: func(d *access.Decision) { d.Author = "alice" },
			want:   access.NotAllowed, says: "alice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.cluster, tc.role)
			w.cluster.PutUser(faketeleport.User{Name: "bob", Roles: []string{faketeleport.RoleReviewer}})
			w.cfg.ReviewMode = tc.mode
			clt := w.connect()
			id := w.request("alice", faketeleport.RequestOptions{})
			d := decision(id, access.Approved)
			if tc.before != nil {
				tc.before(w, id)
			}
			if tc.change != nil {
				tc.change(&d)
			}
			out, err := clt.Decide(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, tc.want, out.Result, out.Detail)
			require.Contains(t, out.Detail, tc.says)
			for _, event := range w.cluster.Audit() {
				require.NotEqual(t, types.RequestState_APPROVED, event.State, "nothing was approved")
			}
		})
	}
}

func limitedReviewer(w *world, _ access.RequestID) {
	w.cluster.PutRole(faketeleport.Role{Name: "db-reviewer", ReviewRequests: []string{"db*"}})
}

func denyFirst(w *world, id access.RequestID) {
	require.NoError(w.t, w.cluster.SetState("admin", string(id), types.RequestState_DENIED, "no"))
}

func removeFirst(w *world, id access.RequestID) { require.NoError(w.t, w.cluster.Remove(string(id))) }

func TestRepeatedDecisionFindsItsLostEffect(t *testing.T) {
	for name, tc := range map[string]struct {
		mode   access.ReviewMode
		role   string
		method string
		opts   faketeleport.RequestOptions
	}{
		"review that settled": {
			access.ModeReview, faketeleport.RolePluginReviewer, "SubmitAccessReview", faketeleport.RequestOptions{},
		},
		"review that left it pending": {
			access.ModeReview, faketeleport.RolePluginReviewer, "SubmitAccessReview", faketeleport.RequestOptions{
				Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}},
			},
		},
		"state": {
			access.ModeState, faketeleport.RoleAccessPluginWithUpdate, "SetAccessRequestState", faketeleport.RequestOptions{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faketeleport.Config{}, tc.role)
			w.cfg.ReviewMode = tc.mode
			clt := w.connect()
			d := decision(w.request("alice", tc.opts), access.Approved)
			w.cluster.Inject(faketeleport.LoseAnswer(tc.method, 1))

			_, err := clt.Decide(t.Context(), d)
			require.Equal(t, access.Temporary, access.ClassOf(err))
			require.True(t, access.IsAmbiguous(err), "%v", err)
			out, err := clt.Decide(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, access.Submitted, out.Result)
			require.NotNil(t, out.Request)
		})
	}
}

func TestDecisionThatIsNeitherIsRefused(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})
	_, err := clt.Decide(t.Context(), decision(id, access.Pending))
	require.Equal(t, access.Permanent, access.ClassOf(err))
}
