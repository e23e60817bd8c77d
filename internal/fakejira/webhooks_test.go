package fakejira_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// receiver takes webhooks in process.
type receiver struct {
	mu       sync.Mutex
	got      []received
	statuses []int         // answers in order, then 200; 0 is a failed connection
	busy     time.Duration // how long each answer takes
}

type received struct {
	header http.Header
	body   []byte
	event  obj
	at     time.Time
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(r.busy):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	got := received{header: req.Header, body: body, at: time.Now()}
	if err := json.Unmarshal(body, &got.event); err != nil {
		return nil, err
	}
	r.got = append(r.got, got)
	status := http.StatusOK
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(nil)), Request: req}, nil
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

// hooked is a double whose webhooks reach r in the order of their events.
func hooked(t *testing.T, o fakejira.Options, r *receiver, h fakejira.Webhook) *jira {
	t.Helper()
	o.WebhookTransport = r
	j := start(t, o)
	h.URL = "https://daemon.test/webhook"
	if h.Concurrency == 0 {
		h.Concurrency = 1
	}
	j.RegisterWebhook(h)
	return j
}

func events(all []received) []string {
	names := []string{}
	for _, r := range all {
		name := r.event["webhookEvent"].(string)
		if kind, named := r.event["issue_event_type_name"]; named {
			name += " " + kind.(string)
		}
		names = append(names, name)
	}
	return names
}

func TestEventsOfEachFlavour(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		want    []string
	}{
		"cloud": {fakejira.Cloud, []string{
			"jira:issue_created issue_created",
			"jira:issue_updated issue_generic",
			"comment_created",
			"jira:issue_updated issue_generic",
			"jira:issue_updated issue_updated",
			"jira:issue_updated issue_assigned",
			"jira:issue_updated issue_moved",
			"jira:issue_deleted",
		}},
		"data center": {fakejira.DataCenter, []string{
			"jira:issue_created issue_created",
			"jira:issue_updated issue_resolved",
			"comment_created",
			"jira:issue_updated issue_commented",
			"jira:issue_updated issue_reopened",
			"jira:issue_updated issue_updated",
			"jira:issue_updated issue_assigned",
			"jira:issue_updated issue_moved",
			"jira:issue_deleted",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r receiver
				j := hooked(t, twoProjects(tc.flavour), &r, fakejira.Webhook{})
				key := j.create()
				require.NoError(t, j.Drag(key, "Approved", fakejira.AliceID))
				_, err := j.AddComment(key, fakejira.AliceID, "reason: fine")
				require.NoError(t, err)
				require.NoError(t, j.Drag(key, "Pending", fakejira.AliceID))
				require.NoError(t, j.SetLabels(key, fakejira.AliceID, []string{"x"}))
				require.NoError(t, j.Reassign(key, fakejira.AliceID, fakejira.BobID))
				require.NoError(t, j.MoveToProject(key, fakejira.AliceID, "DBA", ""))
				require.NoError(t, j.Delete("DBA-1", fakejira.AliceID))
				require.NoError(t, j.Settle(t.Context()))
				require.Equal(t, tc.want, events(r.all()))
			})
		})
	}
}

// paths are the key paths of a JSON value; lists count as their entries. What
// is null or an empty list may hold anything: its path ends in ".*" too.
func paths(v any, prefix string, into map[string]bool) {
	switch v := v.(type) {
	case obj:
		for k, inner := range v {
			into[prefix+k] = true
			list, isList := inner.([]any)
			into[prefix+k+".*"] = inner == nil || isList && len(list) == 0
			paths(inner, prefix+k+".", into)
		}
	case []any:
		for _, inner := range v {
			paths(inner, prefix, into)
		}
	}
}

// recorded are the key paths of the recorded payloads that match a pattern.
func recorded(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for filepath.Dir(dir) != dir {
		files, err := filepath.Glob(filepath.Join(dir, "shared", "jira-webhooks", "recorded", pattern))
		require.NoError(t, err)
		if len(files) == 0 {
			dir = filepath.Dir(dir)
			continue
		}
		all := map[string]bool{}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			require.NoError(t, err)
			var v any
			require.NoError(t, json.Unmarshal(raw, &v))
			paths(v, "", all)
		}
		return all
	}
	t.Skip("shared/jira-webhooks is not there")
	return nil
}

func TestPayloadsHaveTheKeysOfRecordedOnes(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour   fakejira.Flavour
		recorded  string
		act       func(*jira, string) error
		essential []string // keys that have to be there
		absent    []string // keys that the flavour does not send
	}{
		"cloud transition": {
			fakejira.Cloud, "webhook-issue-updated-resolved.json", drag,
			[]string{"timestamp", "user.accountId", "issue.id", "issue.key", "issue.fields.labels", "changelog.id", "changelog.items.fieldId"},
			[]string{"comment"},
		},
		"cloud comment": {
			fakejira.Cloud, "webhook-cloud-comment-created.json", comment,
			[]string{"issue.id", "issue.fields.status.name", "comment.author.accountId", "comment.jsdPublic"},
			[]string{"user", "issue_event_type_name", "changelog", "issue.fields.labels"},
		},
		"cloud deletion": {
			fakejira.Cloud, "webhook-issue-*.json", remove,
			[]string{"user.accountId", "issue.id"},
			[]string{"issue_event_type_name", "changelog"},
		},
		"data center transition": {
			fakejira.DataCenter, "webhook-server-issue-updated-resolved.json", drag,
			[]string{"user.key", "user.name", "user.emailAddress", "issue.fields.labels", "issue.fields.comment.total", "changelog.items.to"},
			[]string{"changelog.items.fieldId", "user.accountId"},
		},
		"data center comment": {
			fakejira.DataCenter, "webhook-server-comment-created.json", comment,
			[]string{"comment.id", "comment.self", "comment.author.key"},
			[]string{"issue", "user"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := recorded(t, tc.recorded)
			synctest.Test(t, func(t *testing.T) {
				var r receiver
				j := hooked(t, fakejira.Board(tc.flavour), &r, fakejira.Webhook{})
				key := j.create("l")
				require.NoError(t, j.Reassign(key, fakejira.AliceID, fakejira.BobID))
				require.NoError(t, j.Settle(t.Context()))
				before := len(r.all())
				require.NoError(t, tc.act(j, key))
				require.NoError(t, j.Settle(t.Context()))
				got := map[string]bool{}
				paths(r.all()[before].event, "", got)
				for k := range got {
					require.True(t, known(want, k), "%s was never recorded", k)
				}
				for _, k := range tc.essential {
					require.True(t, got[k], "%s is missing", k)
				}
				for _, k := range tc.absent {
					require.False(t, got[k], "%s is sent", k)
				}
			})
		})
	}
}

// known reports whether a key was recorded, or stands where the recording has
// nothing. Recordings of different years differ in the last few.
func known(want map[string]bool, key string) bool {
	if want[key] || strings.HasSuffix(key, ".*") {
		return true
	}
	for i, r := range key {
		if r == '.' && want[key[:i]+".*"] {
			return true
		}
	}
	last := key[strings.LastIndexByte(key, '.')+1:]
	return slices.Contains([]string{"emailAddress", "accountType", "projectTypeKey", "simplified", "security", "statuscategorychangedate"}, last)
}

func drag(j *jira, key string) error { return j.Drag(key, "Approved", fakejira.AliceID) }

func comment(j *jira, key string) error {
	_, err := j.AddComment(key, fakejira.AliceID, "reason: fine")
	return err
}

func remove(j *jira, key string) error { return j.Delete(key, fakejira.AliceID) }

func TestDocumentedSignature(t *testing.T) {
	require.Equal(t, "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
		fakejira.Signature("It's a Secret to Everybody", []byte("Hello World!")))
}

func TestDeliveriesAreSignedAndIdentified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		j := hooked(t, fakejira.Board(fakejira.DataCenter), &r, fakejira.Webhook{
			Secret: "s", User: "hook", Password: "p", Events: []fakejira.Event{fakejira.EventUpdated},
		})
		key := j.create()
		require.NoError(t, drag(j, key))
		require.NoError(t, j.Settle(t.Context()))
		require.Len(t, r.all(), 1)
		got := r.all()[0]
		require.Equal(t, fakejira.Signature("s", got.body), got.header.Get("X-Hub-Signature"))
		require.NotEmpty(t, got.header.Get("X-Atlassian-Webhook-Identifier"))
		require.NotEmpty(t, got.header.Get("Authorization"))

		j.Redeliver(j.Deliveries()[0])
		require.NoError(t, j.Settle(t.Context()))
		require.Equal(t, got.body, r.all()[1].body)
		require.Equal(t, got.header, r.all()[1].header)
	})
}

func TestCloudRetriesWhatMayPass(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour  fakejira.Flavour
		statuses []int
		attempts int
	}{
		"unavailable once":         {fakejira.Cloud, []int{503}, 2},
		"refused connection":       {fakejira.Cloud, []int{0, 0}, 3},
		"too many requests":        {fakejira.Cloud, []int{429, 408, 409, 425}, 5},
		"for ever":                 {fakejira.Cloud, []int{500, 500, 500, 500, 500, 500, 500}, 6},
		"unauthorized is dropped":  {fakejira.Cloud, []int{401}, 1},
		"not found is dropped":     {fakejira.Cloud, []int{404}, 1},
		"data center never does":   {fakejira.DataCenter, []int{503}, 1},
		"accepted is not repeated": {fakejira.Cloud, []int{202}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := receiver{statuses: tc.statuses}
				j := hooked(t, fakejira.Board(tc.flavour), &r, fakejira.Webhook{})
				j.create()
				require.NoError(t, j.Settle(t.Context()))
				got := r.all()
				require.Len(t, got, tc.attempts)
				for i := 1; i < len(got); i++ {
					require.Equal(t, strconv.Itoa(i), got[i].header.Get("X-Atlassian-Webhook-Retry"))
					require.Equal(t, got[0].header.Get("X-Atlassian-Webhook-Identifier"), got[i].header.Get("X-Atlassian-Webhook-Identifier"))
					pause := got[i].at.Sub(got[i-1].at)
					require.GreaterOrEqual(t, pause, 5*time.Minute)
					require.LessOrEqual(t, pause, 15*time.Minute)
				}
				d := j.Deliveries()[0]
				require.True(t, d.Done)
				require.Len(t, d.Attempts, tc.attempts)
			})
		})
	}
}

func TestRetriesCanBeScaled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{statuses: []int{503}}
		j := hooked(t, fakejira.Board(fakejira.Cloud), &r, fakejira.Webhook{RetryScale: 0.001})
		begun := time.Now()
		j.create()
		require.NoError(t, j.Settle(t.Context()))
		require.Equal(t, 300*time.Millisecond, time.Since(begun))
	})
}

func TestSlowReceiversAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{busy: time.Minute}
		j := hooked(t, fakejira.Board(fakejira.DataCenter), &r, fakejira.Webhook{})
		begun := time.Now()
		j.create()
		require.Equal(t, begun, time.Now(), "delivery is asynchronous")
		require.NoError(t, j.Settle(t.Context()))
		require.Equal(t, 20*time.Second, time.Since(begun))
		require.ErrorIs(t, j.Deliveries()[0].Attempts[0].Err, context.DeadlineExceeded)
	})
}

func TestDeliveriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{busy: time.Second}
		j := hooked(t, fakejira.Board(fakejira.Cloud), &r, fakejira.Webhook{Concurrency: 3})
		begun := time.Now()
		for range 9 {
			j.create()
		}
		require.NoError(t, j.Settle(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}

func TestDeliveriesCanBeLostAndShuffled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		j := hooked(t, fakejira.Board(fakejira.DataCenter), &r, fakejira.Webhook{
			Shuffle: time.Minute,
			Lose:    func(d fakejira.Delivery) bool { return d.IssueID == "10001" },
		})
		for range 20 {
			j.create()
		}
		require.NoError(t, j.Settle(t.Context()))
		require.Len(t, r.all(), 19)
		require.True(t, j.Deliveries()[1].Lost)
		var order []string
		for _, got := range r.all() {
			order = append(order, at(t, got.event, "issue", "id").(string))
		}
		require.NotContains(t, order, "10001")
		require.False(t, slices.IsSorted(order), "%v", order)
	})
}

func TestCloseDropsWaitingDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{statuses: []int{503}, busy: 10 * time.Second}
		j := hooked(t, fakejira.Board(fakejira.Cloud), &r, fakejira.Webhook{})
		j.create()
		j.create()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, j.Settle(ctx), context.DeadlineExceeded)
		begun := time.Now()
		j.Close()
		require.Equal(t, begun, time.Now(), "what runs is cut")
		require.NoError(t, j.Settle(t.Context()))
		require.Empty(t, r.all())
		j.create()
		require.Len(t, j.Deliveries(), 2, "a closed double fires no more")
	})
}

func TestWebhookCanBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		o := fakejira.Board(fakejira.Cloud)
		o.WebhookTransport = &r
		j := start(t, o)
		remove := j.RegisterWebhook(fakejira.Webhook{URL: "https://daemon.test/"})
		j.create()
		require.NoError(t, j.Settle(t.Context()))
		remove()
		j.create()
		require.Len(t, j.Deliveries(), 1)
	})
}

func TestWebhooksReachASocket(t *testing.T) {
	got := make(chan string, 1)
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-Hub-Signature") }))
	t.Cleanup(web.Close)
	j := start(t, fakejira.Board(fakejira.Cloud))
	j.RegisterWebhook(fakejira.Webhook{URL: web.URL, Secret: "s"})
	j.create()
	require.NotEmpty(t, <-got)
	require.NoError(t, j.Settle(t.Context()))
	require.Equal(t, http.StatusOK, j.Deliveries()[0].Attempts[0].Status)
}

func TestDataCenterNamesTransitions(t *testing.T) {
	for name, tc := range map[string]struct {
		to   string
		want string
	}{
		"closed":        {"Closed", "issue_closed"},
		"work started":  {"In Progress", "issue_work_started"},
		"resolved":      {"Approved", "issue_resolved"},
		"own event":     {"Denied", "issue_rejected"},
		"nothing of it": {"Backlog", "issue_generic"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := fakejira.Board(fakejira.DataCenter)
				w := &o.Projects[0].Workflow
				w.Transitions[2].Event = "issue_rejected"
				for id, st := range map[string]fakejira.Status{
					"61": {ID: "6", Name: "Closed", Category: fakejira.Done},
					"71": {ID: "3", Name: "In Progress", Category: fakejira.InProgress},
					"81": {ID: "1", Name: "Backlog", Category: fakejira.ToDo},
				} {
					w.Statuses = append(w.Statuses, st)
					w.Transitions = append(w.Transitions, fakejira.Transition{ID: id, Name: st.Name, To: st.Name})
				}
				var r receiver
				j := hooked(t, o, &r, fakejira.Webhook{Events: []fakejira.Event{fakejira.EventUpdated}})
				require.NoError(t, j.Drag(j.create(), tc.to, fakejira.AliceID))
				require.NoError(t, j.Settle(t.Context()))
				require.Equal(t, []string{"jira:issue_updated " + tc.want}, events(r.all()))
			})
		})
	}
}
