package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/reconcile"
)

// failing is a pair of sides that have a request and its record, which can't be
// changed.
type failing struct {
	hangingSides
	mu  sync.Mutex
	err error
}

func (f *failing) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Request(_ context.Context, id access.RequestID) (*access.Request, error) {
	return &access.Request{ID: id, State: access.Denied}, nil
}

func (f *failing) Record(context.Context, access.RequestID) (access.Record, error) {
	return access.Record{IssueID: "10001", IssueKey: "TAR-1"}, nil
}

func (f *failing) SwapRecord(context.Context, access.RequestID, access.Record, access.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// The log of a request that keeps failing says each new fault once, with the
// request, the issue and what to do, and repeats it for debugging only.
func TestFaultOfARequestIsLoggedOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"permanent": {&access.Error{Op: "read", Class: access.Permanent, Err: errors.New("broken")}, "level=ERROR"},
		"login":     {&access.Error{Op: "read", Class: access.Unauth, Err: errors.New("broken")}, "level=ERROR"},
		"temporary": {&access.Error{Op: "read", Class: access.Temporary, Err: errors.New("broken")}, "level=WARN"},
		"limited":   {&access.Error{Op: "read", Class: access.Limited, Err: errors.New("broken")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				sides := &failing{hangingSides: hangingSides{requests: released(), listing: released()}, err: tc.err}
				r := reconcile.New(reconcile.Options{Workers: 1, Policy: plan.Policy{
					Statuses: plan.Statuses{access.Pending: {"Pending"}, access.Denied: {"Denied"}},
				}}, reconcile.Deps{
					Cluster: sides, Tracker: sides, Log: slog.New(slog.NewTextHandler(&out, nil)), Registerer: prometheus.NewRegistry(),
				})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.Run(ctx) }()
				r.OnRequest(access.RequestEvent{ID: "0192-0001"})
				pass(time.Hour)
				if tc.want != "" {
					sides.fail(&access.Error{Op: "read", Class: access.Permanent, Err: errors.New("worse")})
				}
				pass(time.Hour)
				cancel()
				require.NoError(t, <-done)

				lines := strings.Split(strings.TrimSpace(out.String()), "\n")
				if tc.want == "" {
					require.Empty(t, out.String())
					return
				}
				require.Len(t, lines, 2)
				for _, part := range []string{tc.want, "request_id=0192-0001", "issue_key=TAR-1", "attempt=1", `error="read: broken"`} {
					require.Contains(t, lines[0], part)
				}
				// What passes by itself needs nobody to do anything.
				require.Equal(t, tc.want != "level=WARN", strings.Contains(lines[0], "fix="))
				require.Contains(t, lines[1], `error="read: worse"`)
			})
		})
	}
}
