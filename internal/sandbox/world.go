package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

const (
	clusterName = "demo.example.com"
	daemonUser  = testworld.Bot
	identityTTL = 7 * 24 * time.Hour
	loopback    = "127.0.0.1:0"
)

// world is both doubles with their people. Its methods may be called
// concurrently.
type world struct {
	cluster *testworld.Cluster
	jira    *fakejira.Server
	people  map[string]Person // all Jira accounts by id

	mu    sync.Mutex
	known map[string]Request // every request ever seen: the cluster forgets
	order []string           // their ids, oldest first
}

// newWorld starts the cluster's double on a socket and makes the Jira double,
// which the caller serves. The caller has to call close.
func newWorld() (*world, error) {
	cluster, err := testworld.NewCluster(testworld.ClusterOptions{
		Config: faketeleport.Config{
			ClusterName: clusterName, ProxyPublicAddr: clusterName + ":443", OnBehalf: true,
		},
		BotRoles: daemonRoles(), Users: teleportUsers(),
	})
	if err != nil {
		return nil, err
	}
	cluster.PutMonitoringRule(monitoringRule())
	cluster.PutRole(faketeleport.Role{Name: lockRole, CreateLocks: true, UpdateLocks: true})
	board := board()
	jira, err := fakejira.New(board)
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("make Jira: %w", err)
	}
	w := &world{cluster: cluster, jira: jira, people: map[string]Person{}, known: map[string]Request{}}
	for _, account := range board.Accounts {
		w.people[account.ID] = Person{
			ID: account.ID, Name: account.DisplayName, Note: accountNotes()[account.ID],
			App: account.Type == fakejira.AppAccount,
		}
	}
	return w, nil
}

func (w *world) close() {
	w.jira.Close()
	w.cluster.Close()
}

// jiraHandler is Jira's API.
func (w *world) jiraHandler() http.Handler { return w.jira }

// Request makes an Access Request as a Teleport user does. It expires after
// waits unless it is decided, and gives access for lasts. Roles that begin with "prod" need two approvals.
func (w *world) Request(user string, roles []string, reason string, waits, lasts time.Duration) error {
	if len(roles) == 0 {
		return errors.New("name at least one role")
	}
	options := faketeleport.RequestOptions{PendingTTL: waits, AccessTTL: lasts}
	for _, role := range roles {
		if strings.HasPrefix(role, "prod") {
			options.Thresholds = []types.AccessReviewThreshold{{Name: "four eyes", Approve: 2, Deny: 1}}
		}
	}
	_, err := w.cluster.CreateRequest(user, roles, reason, options)
	return err
}

// Review submits a review as a Teleport user does.
func (w *world) Review(id, author, state, reason string) error {
	proposed := map[string]types.RequestState{"approved": types.RequestState_APPROVED, "denied": types.RequestState_DENIED}[state]
	if proposed.IsNone() {
		return fmt.Errorf("a state is approved or denied, not %q", state)
	}
	_, err := w.cluster.Review(author, id, proposed, reason)
	return err
}

// Expire lets the request's time run out in a moment: long enough for the
// daemon to see when that is.
func (w *world) Expire(id string) error { return w.cluster.ExpireIn(id, expireIn) }

const expireIn = 2 * time.Second

// Remove deletes a request as an administrator does.
func (w *world) Remove(id string) error { return w.cluster.Remove(id) }

// Move drags an issue's card as a person.
func (w *world) Move(issue, person, status string) error {
	return w.jira.Drag(issue, status, person)
}

// Comment writes a comment as a person.
func (w *world) Comment(issue, person, body string) error {
	_, err := w.jira.AddComment(issue, person, body)
	return err
}
