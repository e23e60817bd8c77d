package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// seedPoll is how often settleSeed looks whether the daemon has made an issue.
const seedPoll = 100 * time.Millisecond

// The resource that a seeded request asks for: the name in the cluster, and the
// one that people know it by.
const (
	seedRole     = "teleport-jira-resources" // lets the daemon read that name
	seedNode     = "6f2c1a52-ledger"
	seedHostname = "ledger-1.prod.example.com"
)

// seedRequest is a request that is there from the start, and what becomes of it
// once the daemon has made its issue.
type seedRequest struct {
	user    string
	roles   []string
	reason  string
	nodes   []string // names of servers that are asked for
	two     bool     // whether it needs two approvals
	access  time.Duration
	settle  func(w *world, request, issue string) error
	request string // id, once it is made
}

// seedRequests returns requests of several people for several roles. Those that
// are settled get there as in real life: people move the issue, or time runs out.
func seedRequests() []seedRequest {
	return []seedRequest{
		{user: alice, roles: []string{"intern-db"}, reason: "look up a test account", settle: expireSeed},
		{user: bob, roles: []string{"kube-admin"}, reason: "rotate the node pool, CHG-2207", settle: moveSeed(fakejira.CarolID, "Approved", "")},
		{
			user: dave, roles: []string{"deployer"}, reason: "deploy the hotfix, CHG-2209", access: seedAccess,
			settle: moveSeed(fakejira.CarolID, "Approved", ""),
		},
		{
			user: dave, roles: []string{"billing-admin"}, reason: "have a look at the invoices",
			settle: moveSeed(fakejira.BobID, "Denied", "reason: please ask finance for a report instead"),
		},
		{user: carol, roles: []string{"access"}, reason: "the ledger's disk is full", nodes: []string{seedNode}},
		{user: dave, roles: []string{"auditor"}, reason: "The yearly audit starts on Monday. The auditors want, for each of the " +
			"forty systems in scope, the list of who had administrative access in the last twelve months, when it was " +
			"granted and by whom, and a sample of five sessions with their recordings. I collect this once, store it in " +
			"the audit's own vault, and need the role for nothing else; Erin of compliance knows about it; the ticket is AUD-118."},
		{user: dave, roles: []string{"prod-db"}, reason: "index rebuild at 22:00, CHG-2214", two: true},
		{user: alice, roles: []string{"editor", "dba"}, reason: "restore the orders table, ticket 4711"},
	}
}

// createSeed makes the seeded requests.
func (w *world) createSeed() ([]seedRequest, error) {
	w.cluster.PutRole(faketeleport.Role{Name: seedRole, ListResources: []string{types.KindNode}})
	w.cluster.PutUser(faketeleport.User{Name: daemonUser, Roles: append(daemonRoles(), seedRole)})
	if err := w.cluster.AddNode(seedNode, seedHostname); err != nil {
		return nil, fmt.Errorf("add the server %s: %w", seedNode, err)
	}
	seeds := seedRequests()
	for i, seed := range seeds {
		options := faketeleport.RequestOptions{AccessTTL: seed.access}
		if seed.two {
			options.Thresholds = fourEyes()
		}
		for _, node := range seed.nodes {
			options.Resources = append(options.Resources, types.ResourceID{ClusterName: clusterName, Kind: types.KindNode, Name: node})
		}
		request, err := w.cluster.CreateRequest(seed.user, seed.roles, seed.reason, options)
		if err != nil {
			return nil, fmt.Errorf("make the request of %s: %w", seed.user, err)
		}
		seeds[i].request = request.GetName()
	}
	return seeds, nil
}

// settleSeed waits for the issues of the seeded requests and settles those that
// are to be settled. It returns when that is done or ctx is. What somebody has
// settled otherwise in the meantime is left alone and remarked in the log.
func (s *Sandbox) settleSeed(ctx context.Context) {
	ticker := time.NewTicker(seedPoll)
	defer ticker.Stop()
	for _, seed := range s.seed {
		if seed.settle == nil {
			continue
		}
		issue := ""
		for issue == "" {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				issue = s.issueOf(seed.request)
			}
		}
		if err := seed.settle(s.world, seed.request, issue); err != nil {
			s.journal.remark(fmt.Sprintf("the sandbox left the request of %s as it is: %v", seed.user, err))
		}
	}
}

// issueOf returns the id of a request's issue, or "" while there is none.
func (w *world) issueOf(request string) string {
	for _, card := range w.snapshot().Cards {
		if card.Request != nil && card.Request.ID == request {
			return card.ID
		}
	}
	return ""
}

// moveSeed settles a request as a person does in Jira: with a comment, if there
// is one, and by moving the issue.
func moveSeed(person, status, comment string) func(*world, string, string) error {
	return func(w *world, _, issue string) error {
		if comment != "" {
			if err := w.Comment(issue, person, comment); err != nil {
				return err
			}
		}
		return w.Move(issue, person, status)
	}
}

// expireSeed lets a request's time run out.
func expireSeed(w *world, request, _ string) error { return w.Expire(request) }

// fourEyes are the thresholds of a request that needs two approvals.
func fourEyes() []types.AccessReviewThreshold {
	return []types.AccessReviewThreshold{{Name: "four eyes", Approve: 2, Deny: 1}}
}
