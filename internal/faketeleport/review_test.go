package faketeleport_test

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"teleport-jira/internal/faketeleport"
)

// newWorld is a cluster, and the daemon's user connected to it in memory.
func newWorld(t *testing.T, cfg faketeleport.Config, roles ...string) (*faketeleport.Cluster, *client.Client) {
	t.Helper()
	c := newCluster(t, cfg, roles...)
	s, err := faketeleport.ServeMemory(c)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return c, connect(t, s, bot)
}

func create(t *testing.T, c *faketeleport.Cluster, opts faketeleport.RequestOptions) string {
	t.Helper()
	req, err := c.CreateRequest("alice", []string{"dba"}, "need it", opts)
	require.NoError(t, err)
	return req.GetName()
}

func TestReviewSettlesAtTheThreshold(t *testing.T) {
	two := []types.AccessReviewThreshold{{Approve: 2, Deny: 1}}
	for name, tc := range map[string]struct {
		thresholds []types.AccessReviewThreshold
		earlier    types.RequestState // by rita
		proposed   types.RequestState
		want       types.RequestState
		wantReason string
	}{
		"one approval by default": {
			proposed: types.RequestState_APPROVED, want: types.RequestState_APPROVED, wantReason: "because",
		},
		"one denial by default": {
			proposed: types.RequestState_DENIED, want: types.RequestState_DENIED, wantReason: "because",
		},
		"first of two": {
			thresholds: two, proposed: types.RequestState_APPROVED, want: types.RequestState_PENDING,
		},
		"second of two": {
			thresholds: two, earlier: types.RequestState_APPROVED, proposed: types.RequestState_APPROVED,
			want: types.RequestState_APPROVED, wantReason: "because",
		},
		"denied after one approval": {
			thresholds: two, earlier: types.RequestState_APPROVED, proposed: types.RequestState_DENIED,
			want: types.RequestState_DENIED, wantReason: "because",
		},
		"either of two thresholds": {
			thresholds: []types.AccessReviewThreshold{{Approve: 5, Deny: 5}, {Approve: 1, Deny: 1}},
			proposed:   types.RequestState_APPROVED, want: types.RequestState_APPROVED, wantReason: "because",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
			id := create(t, c, faketeleport.RequestOptions{Thresholds: tc.thresholds})
			if tc.earlier != types.RequestState_NONE {
				_, err := c.Review("rita", id, tc.earlier, "rita says so")
				require.NoError(t, err)
			}
			got, err := clt.SubmitAccessReview(t.Context(), review(id, tc.proposed))
			require.NoError(t, err)
			require.Equal(t, tc.want, got.GetState())
			require.Equal(t, tc.wantReason, got.GetResolveReason())
			last := got.GetReviews()[len(got.GetReviews())-1]
			require.Equal(t, bot, last.Author)
			require.Empty(t, faketeleport.SubmittedBy(last))
		})
	}
}

func TestReviewIsRefused(t *testing.T) {
	const approved, denied = types.RequestState_APPROVED, types.RequestState_DENIED
	for name, tc := range map[string]struct {
		role     string
		cfg      faketeleport.Config
		opts     faketeleport.RequestOptions
		prepare  func(t *testing.T, c *faketeleport.Cluster, id string)
		author   string
		proposed types.RequestState // approved unless given
		reason   string
		want     string
		is       func(error) bool
	}{
		"no right": {
			role: faketeleport.RoleAccessPlugin, want: `user "bot" cannot submit reviews`,
		},
		"community edition": {
			cfg: faketeleport.Config{Community: true}, want: `user "bot" cannot submit reviews`,
		},
		"second time": {
			opts: faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 2}}},
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				_, err := c.Review(bot, id, approved, "")
				require.NoError(t, err)
			},
			want: `user "bot" has already reviewed this request`,
		},
		"already approved": {
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				require.NoError(t, c.SetState("admin", id, approved, ""))
			},
			want: "has been already approved",
		},
		"already denied": {
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				require.NoError(t, c.SetState("admin", id, denied, ""))
			},
			want: "has been already denied",
		},
		"already promoted": {
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				require.NoError(t, c.Promote("rita", id, "dbas"))
			},
			want: "has been already promoted",
		},
		"foreign author": {
			author: "rita", want: `cannot submit reviews on behalf of "rita"`,
		},
		"reviewed and settled": {
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				_, err := c.Review(bot, id, approved, "")
				require.NoError(t, err)
			},
			want: `user "bot" has already reviewed this request`,
		},
		"long-term": {
			opts: faketeleport.RequestOptions{LongTerm: true}, want: "can only be promoted", is: trace.IsBadParameter,
		},
		"promotion": {
			proposed: types.RequestState_PROMOTED, want: "state promoted can be only set when promoting to access list", is: trace.IsBadParameter,
		},
		"long reason": {
			reason: strings.Repeat("é", 2049), want: "reason is too long, max 4096 bytes", is: trace.IsBadParameter,
		},
		"preset of newer servers": {
			role: faketeleport.RoleAccessPluginWithReview, cfg: faketeleport.Config{OnBehalf: true}, want: `user "bot" cannot submit reviews`,
		},
		"second factor": {
			cfg: faketeleport.Config{AdminActionMFA: true}, want: "admin-level API request requires MFA verification",
		},
		"gone": {
			prepare: func(t *testing.T, c *faketeleport.Cluster, id string) {
				t.Helper()
				require.NoError(t, c.Remove(id))
			},
			want: "cannot apply review to access request", is: trace.IsNotFound,
		},
	} {
		t.Run(name, func(t *testing.T) {
			role := faketeleport.RolePluginReviewer
			if tc.role != "" {
				role = tc.role
			}
			c, clt := newWorld(t, tc.cfg, role)
			id := create(t, c, tc.opts)
			if tc.prepare != nil {
				tc.prepare(t, c, id)
			}
			before := c.Audit()
			sub := review(id, approved)
			sub.Review.Author = tc.author
			if tc.proposed != types.RequestState_NONE {
				sub.Review.ProposedState = tc.proposed
			}
			if tc.reason != "" {
				sub.Review.Reason = tc.reason
			}
			_, err := clt.SubmitAccessReview(t.Context(), sub)
			is := trace.IsAccessDenied
			if tc.is != nil {
				is = tc.is
			}
			require.True(t, is(err), "%T: %v", trace.Unwrap(err), err)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, before, c.Audit(), "a refused review leaves no trace")
		})
	}
}

func TestRightToReviewCoversTheRequestedRoles(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, "db-reviewer")
	c.PutRole(faketeleport.Role{Name: "db-reviewer", ReviewRequests: []string{"db*"}})
	id := create(t, c, faketeleport.RequestOptions{})
	_, err := clt.SubmitAccessReview(t.Context(), review(id, types.RequestState_APPROVED))
	require.NoError(t, err)
	other, err := c.CreateRequest("alice", []string{"dba", "editor"}, "", faketeleport.RequestOptions{})
	require.NoError(t, err)
	_, err = clt.SubmitAccessReview(t.Context(), review(other.GetName(), types.RequestState_APPROVED))
	require.True(t, trace.IsAccessDenied(err), err)
	require.ErrorContains(t, err, "cannot review request")
}

// onBehalfOf is a review with another author, and the two fields that newer
// servers know.
func onBehalfOf(author, id string) types.AccessReviewSubmission {
	sub := review(id, types.RequestState_APPROVED)
	sub.Review.Author = author
	b := protowire.AppendTag(nil, 11, protowire.BytesType)
	b = protowire.AppendString(b, "whoever")
	b = protowire.AppendTag(b, 12, protowire.VarintType)
	sub.Review.XXX_unrecognized = protowire.AppendVarint(b, 1)
	return sub
}

func TestReviewOnBehalfCountsAsTheAuthors(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{OnBehalf: true}, faketeleport.RolePluginReviewer)
	id := create(t, c, faketeleport.RequestOptions{})
	got, err := clt.SubmitAccessReview(t.Context(), onBehalfOf("rita", id))
	require.NoError(t, err)
	require.Equal(t, types.RequestState_APPROVED, got.GetState())
	require.Len(t, got.GetReviews(), 1)
	require.Equal(t, "rita", got.GetReviews()[0].Author)
	require.Equal(t, bot, faketeleport.SubmittedBy(got.GetReviews()[0]), "the server says who submitted it")

	audit := c.Audit()
	last := audit[len(audit)-1]
	require.Equal(t, faketeleport.AuditReview, last.Type)
	require.Equal(t, "rita", last.User)
	require.Equal(t, bot, last.SubmittedBy)
}

func TestReviewOnBehalfIsRefused(t *testing.T) {
	newer := faketeleport.Config{OnBehalf: true}
	for name, tc := range map[string]struct {
		cfg    faketeleport.Config
		role   string
		author string
		plain  bool // without the newer fields
		want   string
	}{
		"older server":              {author: "rita", want: "cannot submit reviews on behalf of"},
		"role without the right":    {cfg: newer, role: faketeleport.RoleReviewer, author: "rita", want: "cannot submit reviews on behalf of"},
		"without the flag":          {cfg: newer, author: "rita", plain: true, want: "cannot submit reviews on behalf of"},
		"author without the right":  {cfg: newer, author: "bob", want: `user "bob" cannot submit reviews`},
		"author is the requester":   {cfg: newer, author: "alice", want: `user "alice" cannot review request`},
		"author has reviewed":       {cfg: newer, author: "ruth", want: `user "ruth" has already reviewed`},
		"author that doesn't exist": {cfg: newer, author: "nobody", want: `user "nobody" cannot submit reviews`},
	} {
		t.Run(name, func(t *testing.T) {
			role := faketeleport.RolePluginReviewer
			if tc.role != "" {
				role = tc.role
			}
			c, clt := newWorld(t, tc.cfg, role)
			c.PutUser(faketeleport.User{Name: "bob"})
			c.PutUser(faketeleport.User{Name: "alice", Roles: []string{faketeleport.RoleReviewer}})
			c.PutUser(faketeleport.User{Name: "ruth", Roles: []string{faketeleport.RoleReviewer}})
			id := create(t, c, faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 2}}})
			_, err := c.Review("ruth", id, types.RequestState_APPROVED, "")
			require.NoError(t, err)
			sub := onBehalfOf(tc.author, id)
			if tc.plain {
				sub.Review.XXX_unrecognized = nil
			}
			_, err = clt.SubmitAccessReview(t.Context(), sub)
			require.True(t, trace.IsAccessDenied(err), err)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestThresholdFilterSaysWhoseReviewsCount: two approvals meet no threshold
// whose filter they do not fulfil.
func TestThresholdFilterSaysWhoseReviewsCount(t *testing.T) {
	for filter, want := range map[string]types.RequestState{
		``:                                     types.RequestState_APPROVED,
		`contains(reviewer.roles, "reviewer")`: types.RequestState_APPROVED,
		`contains(reviewer.roles, "admin") || contains(reviewer.traits["team"], "db")`:       types.RequestState_APPROVED,
		`contains(reviewer.roles, "admin")`:                                                  types.RequestState_PENDING,
		`!contains(reviewer.roles, "reviewer")`:                                              types.RequestState_PENDING,
		`contains(reviewer.roles, "reviewer") && contains(request.roles, "root")`:            types.RequestState_PENDING,
		`(equals(request.reason, "need it") && contains(reviewer.traits["team"], "nobody"))`: types.RequestState_PENDING,
	} {
		t.Run(filter, func(t *testing.T) {
			c := newCluster(t, faketeleport.Config{})
			c.PutUser(faketeleport.User{
				Name: "rita", Roles: []string{faketeleport.RoleReviewer}, Traits: map[string][]string{"team": {"db"}},
			})
			id := create(t, c, faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Filter: filter, Approve: 1, Deny: 1}}})
			got, err := c.Review("rita", id, types.RequestState_APPROVED, "")
			require.NoError(t, err)
			require.Equal(t, want, got.GetState())
		})
	}
	c := newCluster(t, faketeleport.Config{})
	for _, filter := range []string{`regexp.match(reviewer.roles, "x")`, `contains(`, `reviewer.roles`, `contains(1+1, "x")`, `contains(reviewer.shoes, "x")`} {
		id := create(t, c, faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Filter: filter, Approve: 1}}})
		_, err := c.Review("rita", id, types.RequestState_APPROVED, "")
		require.True(t, trace.IsBadParameter(err), filter)
	}
}

func TestSelfReviewIsRefused(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
	req, err := c.CreateRequest(bot, []string{"dba"}, "", faketeleport.RequestOptions{})
	require.NoError(t, err)
	_, err = clt.SubmitAccessReview(t.Context(), review(req.GetName(), types.RequestState_APPROVED))
	require.True(t, trace.IsAccessDenied(err), err)
}

func TestReviewKeepsThresholdSetsOfEachRole(t *testing.T) {
	c, _ := newWorld(t, faketeleport.Config{})
	req, err := c.CreateRequest("alice", []string{"dba", "editor"}, "", faketeleport.RequestOptions{
		Thresholds: []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 2}},
	})
	require.NoError(t, err)
	require.Len(t, req.GetRoleThresholdMapping(), 2)
	c.PutUser(faketeleport.User{Name: "ruth", Roles: []string{faketeleport.RoleReviewer}})
	for _, reviewer := range []string{"rita", "ruth"} {
		_, err := c.Review(reviewer, req.GetName(), types.RequestState_APPROVED, "")
		require.NoError(t, err)
	}
	got, err := c.Request(req.GetName())
	require.NoError(t, err)
	require.Equal(t, types.RequestState_APPROVED, got.GetState())
	require.Len(t, got.GetReviews(), 2)
}
