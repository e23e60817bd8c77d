package teleport_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
)

func (w *world) request(user string, opts faketeleport.RequestOptions) access.RequestID {
	w.t.Helper()
	req, err := w.cluster.CreateRequest(user, []string{"editor"}, "why", opts)
	require.NoError(w.t, err)
	return access.RequestID(req.GetName())
}

func TestRequestIsReadUntilDeleted(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})

	req, err := clt.Request(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, id, req.ID)
	require.Equal(t, "alice", req.User)
	require.Equal(t, access.Pending, req.State)

	require.NoError(t, w.cluster.Remove(string(id)))
	_, err = clt.Request(t.Context(), id)
	require.ErrorIs(t, err, access.ErrNotFound)
}

// A caller without the right to list is shown its own requests without an
// error: no request may be taken for deleted then.
func TestNothingIsDeletedWithoutTheRightToList(t *testing.T) {
	w := newWorld(t, faketeleport.Config{}, "blind")
	w.cluster.PutRole(faketeleport.Role{Name: "blind", PluginData: true})
	id := w.request("alice", faketeleport.RequestOptions{})
	clt := w.connect()

	_, err := clt.Request(t.Context(), id)
	require.NotErrorIs(t, err, access.ErrNotFound)
	require.Equal(t, access.Permanent, access.ClassOf(err))
	require.ErrorContains(t, err, "verbs: [list, read]")

	for _, err := range clt.Requests(t.Context()) {
		require.ErrorContains(t, err, "verbs: [list, read]")
	}
}

func TestRequestsAreListedPageByPage(t *testing.T) {
	for name, cfg := range map[string]faketeleport.Config{
		"by pages":             {PageSize: 7},
		"from an older server": {NoPagedList: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, cfg)
			want := make(map[access.RequestID]bool)
			for i := range 30 {
				want[w.request("alice", faketeleport.RequestOptions{ID: fmt.Sprintf("r%02d", i)})] = true
			}
			clt := w.connect()
			got := make(map[access.RequestID]bool)
			for req, err := range clt.Requests(t.Context()) {
				require.NoError(t, err)
				require.False(t, got[req.ID], "listed twice")
				got[req.ID] = true
			}
			require.Equal(t, want, got)
		})
	}
}

func TestListingEndsWithTheFirstError(t *testing.T) {
	w := newWorld(t, faketeleport.Config{PageSize: 5})
	for i := range 10 {
		w.request("alice", faketeleport.RequestOptions{ID: fmt.Sprintf("r%02d", i)})
	}
	clt := w.connect()
	seen, errs := 0, 0
	for _, err := range clt.Requests(t.Context()) {
		if err != nil {
			require.Equal(t, access.Temporary, access.ClassOf(err))
			errs++
			continue
		}
		if seen++; seen == 5 {
			w.cluster.Inject(faketeleport.Unavailable("ListAccessRequests", 0))
		}
	}
	require.Equal(t, 5, seen)
	require.Equal(t, 1, errs)
}

func TestInvalidRequestHidesNoOther(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	w.request("alice", faketeleport.RequestOptions{ID: "../r0"})
	good := w.request("alice", faketeleport.RequestOptions{ID: "r1"})
	clt := w.connect()
	for range 2 {
		var got []access.RequestID
		for req, err := range clt.Requests(t.Context()) {
			require.NoError(t, err)
			got = append(got, req.ID)
		}
		require.Equal(t, []access.RequestID{good}, got)
	}
	require.Equal(t, 1, w.log.count("invalid access request, ignored"))
}
