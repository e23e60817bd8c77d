package faketeleport_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

const bot = "bot"

// newCluster has the daemon's user with the given roles, and a reviewer.
func newCluster(t *testing.T, cfg faketeleport.Config, roles ...string) *faketeleport.Cluster {
	t.Helper()
	c, err := faketeleport.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	c.PutUser(faketeleport.User{Name: bot, Roles: roles})
	c.PutUser(faketeleport.User{Name: "rita", Roles: []string{faketeleport.RoleReviewer}})
	return c
}

func serve(t *testing.T, c *faketeleport.Cluster) *faketeleport.Server {
	t.Helper()
	s, err := faketeleport.Serve(c, "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

func connect(t *testing.T, s *faketeleport.Server, user string) *client.Client {
	t.Helper()
	clt, err := s.Client(t.Context(), user)
	require.NoError(t, err)
	t.Cleanup(func() { _ = clt.Close() })
	return clt
}

func dial(t *testing.T, addr string, creds client.Credentials, timeout time.Duration) (*client.Client, error) {
	t.Helper()
	clt, err := client.New(t.Context(), client.Config{
		Addrs:       []string{addr},
		Credentials: []client.Credentials{creds},
		DialTimeout: timeout,
	})
	if err == nil {
		t.Cleanup(func() { _ = clt.Close() })
	}
	return clt, err
}

func TestDialAuthDirectly(t *testing.T) {
	c := newCluster(t, faketeleport.Config{
		ClusterName: "c.example.com", Version: "18.1.2", ProxyPublicAddr: "proxy.example.com:443",
	}, faketeleport.RoleAccessPlugin)
	s := serve(t, c)
	dir := t.TempDir()
	identity := filepath.Join(dir, "identity")
	require.NoError(t, c.WriteIdentityFile(identity, bot, time.Hour))
	dynamic, err := client.NewDynamicIdentityFileCreds(identity)
	require.NoError(t, err)
	pair, err := c.WriteKeyPair(dir, bot, time.Hour)
	require.NoError(t, err)

	for name, creds := range map[string]client.Credentials{
		"identity file":         client.LoadIdentityFile(identity),
		"dynamic identity file": dynamic,
		"key pair":              client.LoadKeyPair(pair.Cert, pair.Key, pair.RootCAs),
	} {
		t.Run(name, func(t *testing.T) {
			expiry, ok := creds.Expiry()
			require.True(t, ok)
			require.WithinDuration(t, time.Now().Add(time.Hour), expiry, time.Minute)
			clt, err := dial(t, s.Addr(), creds, 30*time.Second)
			require.NoError(t, err)
			pong, err := clt.Ping(t.Context())
			require.NoError(t, err)
			require.Equal(t, "c.example.com", pong.ClusterName)
			require.Equal(t, "18.1.2", pong.ServerVersion)
			require.Equal(t, "proxy.example.com:443", pong.ProxyPublicAddr)
			require.True(t, pong.ServerFeatures.AdvancedAccessWorkflows)
		})
	}
}

func TestExpiredCertificateIsRefused(t *testing.T) {
	c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	s := serve(t, c)
	creds, err := c.Credentials(bot, -time.Minute)
	require.NoError(t, err)
	_, err = dial(t, s.Addr(), creds, time.Second)
	require.Error(t, err)
	require.Empty(t, c.Calls())
}

func TestCertificateOfUnknownUserIsRefused(t *testing.T) {
	s := serve(t, newCluster(t, faketeleport.Config{}))
	clt := connect(t, s, "nobody")
	_, err := clt.Ping(t.Context())
	require.True(t, trace.IsAccessDenied(err), err)
}

func TestRestartKeepsStateAndAddress(t *testing.T) {
	c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	s := serve(t, c)
	addr := s.Addr()
	clt := connect(t, s, bot)
	watcher, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	require.Equal(t, types.OpInit, next(t, watcher).Type)
	req, err := c.CreateRequest("alice", []string{"dba"}, "", faketeleport.RequestOptions{})
	require.NoError(t, err)

	require.Equal(t, types.OpPut, next(t, watcher).Type)

	s.Stop()
	<-watcher.Done()
	require.Error(t, watcher.Error())
	_, err = clt.Ping(t.Context())
	require.True(t, trace.IsConnectionProblem(err), err)
	require.NoError(t, s.Start())
	require.Equal(t, addr, s.Addr())

	again := connect(t, s, bot)
	found, err := again.GetAccessRequests(t.Context(), types.AccessRequestFilter{ID: req.GetName()})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

// A whole conversation runs in fake time: the request expires an hour later
// without anybody waiting.
func TestConversationInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
		s, err := faketeleport.ServeMemory(c)
		require.NoError(t, err)
		defer s.Stop()
		clt, err := s.Client(t.Context(), bot)
		require.NoError(t, err)
		defer clt.Close()
		watcher, err := clt.NewWatcher(t.Context(), accessRequests)
		require.NoError(t, err)
		require.Equal(t, types.OpInit, next(t, watcher).Type)

		req, err := c.CreateRequest("alice", []string{"dba"}, "", faketeleport.RequestOptions{PendingTTL: time.Hour})
		require.NoError(t, err)
		require.Equal(t, types.OpPut, next(t, watcher).Type)
		start := time.Now()
		deletion := next(t, watcher)
		require.Equal(t, types.OpDelete, deletion.Type)
		require.Equal(t, req.GetName(), deletion.Resource.GetName())
		require.Equal(t, time.Hour, time.Since(start))

		_, err = clt.SubmitAccessReview(t.Context(), review(req.GetName(), types.RequestState_APPROVED))
		require.True(t, trace.IsNotFound(err), err)
	})
}

// A client outlives its server: once that is back the same client gets through.
func TestClientReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
		s, err := faketeleport.ServeMemory(c)
		require.NoError(t, err)
		defer s.Stop()
		clt := connect(t, s, bot)
		s.Stop()
		_, err = clt.Ping(t.Context())
		require.True(t, trace.IsConnectionProblem(err), err)
		require.NoError(t, s.Start())
		require.Error(t, s.Start(), "it is running")
		pass(time.Minute) // the client's own backoff
		_, err = clt.Ping(t.Context())
		require.NoError(t, err)
	})
}

// A connection outlives its certificate; the next one is refused.
func TestCertificateExpiresInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
		s, err := faketeleport.ServeMemory(c)
		require.NoError(t, err)
		defer s.Stop()
		clt := connect(t, s, bot)
		_, err = clt.NewWatcher(t.Context(), accessRequests) // or else it goes idle
		require.NoError(t, err)
		pass(2 * time.Hour)
		_, err = clt.Ping(t.Context())
		require.NoError(t, err)
		s.Stop()
		require.NoError(t, s.Start())
		pass(time.Minute)
		_, err = clt.Ping(t.Context())
		require.True(t, trace.IsConnectionProblem(err), err)
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{ConnectionLimit: 1}, faketeleport.RoleAccessPlugin)
	_, err := clt.Ping(t.Context())
	require.NoError(t, err)
	w, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	require.Equal(t, types.OpInit, next(t, w).Type)
	_, err = clt.Ping(t.Context())
	require.True(t, trace.IsLimitExceeded(err), err)
	require.ErrorContains(t, err, "connection limit exceeded")
	require.Equal(t, 1, c.Calls()["Ping"])
}

var accessRequests = types.Watch{Kinds: []types.WatchKind{{Kind: types.KindAccessRequest}}}

func next(t *testing.T, w types.Watcher) types.Event {
	t.Helper()
	select {
	case ev := <-w.Events():
		return ev
	case <-w.Done():
		require.NoError(t, w.Error(), "watcher ended")
		return types.Event{}
	}
}

func review(id string, state types.RequestState) types.AccessReviewSubmission {
	return types.AccessReviewSubmission{
		RequestID: id,
		Review:    types.AccessReview{ProposedState: state, Reason: "because"},
	}
}

// pass lets fake time go by.
func pass(d time.Duration) { <-time.After(d) }
