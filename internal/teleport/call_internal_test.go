package teleport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/trail"
	"github.com/gravitational/trace"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"teleport-jira/internal/access"
)

func TestErrorsAtTheBorder(t *testing.T) {
	fromServer := func(code codes.Code, text string) error { return trace.Wrap(trail.FromGRPC(status.Error(code, text))) }
	for name, tc := range map[string]struct {
		err       error
		class     access.Class
		is        error
		ambiguous bool
	}{
		"not found":        {err: fromServer(codes.NotFound, "no"), class: access.Permanent, is: access.ErrNotFound},
		"compare failed":   {err: fromServer(codes.FailedPrecondition, "no"), class: access.Temporary, is: access.ErrConflict},
		"access denied":    {err: fromServer(codes.PermissionDenied, "no"), class: access.Permanent},
		"bad parameter":    {err: fromServer(codes.InvalidArgument, "no"), class: access.Permanent},
		"unimplemented":    {err: fromServer(codes.Unimplemented, "no"), class: access.Permanent},
		"limit exceeded":   {err: fromServer(codes.ResourceExhausted, "no"), class: access.Limited},
		"unauthenticated":  {err: fromServer(codes.Unauthenticated, "no"), class: access.Unauth},
		"unavailable":      {err: fromServer(codes.Unavailable, "no"), class: access.Temporary, ambiguous: true},
		"deadline":         {err: fromServer(codes.DeadlineExceeded, "no"), class: access.Temporary, ambiguous: true},
		"cancelled":        {err: fromServer(codes.Canceled, "no"), class: access.Temporary, ambiguous: true},
		"local deadline":   {err: context.DeadlineExceeded, class: access.Temporary, ambiguous: true},
		"internal":         {err: fromServer(codes.Internal, "no"), class: access.Temporary, ambiguous: true},
		"unknown":          {err: errors.New("EOF"), class: access.Temporary, ambiguous: true},
		"expired identity": {err: fromServer(codes.Unavailable, `reading preface: remote error: tls: expired certificate"`), class: access.Unauth},
		"another alert":    {err: fromServer(codes.Unavailable, "remote error: tls: internal error"), class: access.Temporary, ambiguous: true},
	} {
		t.Run(name, func(t *testing.T) {
			write := methodReview().wrap("r1", tc.err)
			require.Equal(t, tc.class, access.ClassOf(write))
			require.Equal(t, tc.ambiguous, access.IsAmbiguous(write))
			if tc.is != nil {
				require.ErrorIs(t, write, tc.is)
			}
			require.NotContains(t, write.Error(), "\n")
			read := methodGetRequest().wrap("r1", tc.err)
			require.Equal(t, tc.class, access.ClassOf(read))
			require.False(t, access.IsAmbiguous(read))
		})
	}
}

func TestDeniedAccessNamesTheRuleThatIsMissing(t *testing.T) {
	denied := trace.AccessDenied("access denied to perform action \"update\"")
	for want, m := range map[string]method{
		"[{resources: [access_plugin_data], verbs: [list, read, update]}]": methodSwapData(),
		"[{resources: [access_request], verbs: [list, read]}]":             methodListRequest(),
		"[{resources: [user], verbs: [list, read]}]":                       methodListUsers(),
	} {
		require.ErrorContains(t, m.wrap("r1", denied), want)
		require.ErrorContains(t, m.wrap("r1", denied), "access denied to perform action")
	}
	require.NotContains(t, methodPing().wrap("r1", denied).Error(), "allow.rules")
}

func TestErrorsAreOneBoundedLine(t *testing.T) {
	err := trace.Wrap(trace.NewAggregate(errors.New("first\n\tline"), errors.New(strings.Repeat("ä", 5000))), "all failed")
	got := methodPing().wrap("example.com:443", err).Error()
	require.NotContains(t, got, "\n")
	require.Less(t, len(got), maxMessage+100)
}

func TestTruncateCountsBytesAndCutsAtCharacters(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		size int
		want string
	}{
		"fits":               {"abcd", 4, "abcd"},
		"long":               {"abcde", 4, "a…"},
		"many bytes fit":     {"äö", 4, "äö"},
		"many bytes, longer": {"äöü", 5, "ä…"},
		"within a character": {"aöü", 4, "a…"},
		"no room":            {"abcd", 3, ""},
		"less than no room":  {"abcd", -1, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, truncate(tc.in, tc.size)) })
	}
}

func TestTruncateListCutsAtElements(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		size int
		want string
	}{
		"fits":              {"ab,cd", 5, "ab,cd"},
		"at an element":     {"ab,cd", 2, "ab"},
		"within an element": {"ab,cd,ef", 7, "ab,cd"},
		"first too long":    {"abcd,e", 3, ""},
		"empty":             {"", 0, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, truncateList(tc.in, tc.size)) })
	}
}

func TestCallsHaveADeadline(t *testing.T) {
	for _, m := range methods() {
		t.Run(m.name, func(t *testing.T) {
			_, err := callOver(t.Context(), NewMetrics(prometheus.NewRegistry()), nil, m, "r1",
				func(ctx context.Context, _ api) (struct{}, error) {
					deadline, ok := ctx.Deadline()
					require.True(t, ok)
					require.LessOrEqual(t, time.Until(deadline), listTimeout)
					return struct{}{}, nil
				})
			require.NoError(t, err)
		})
	}
}
