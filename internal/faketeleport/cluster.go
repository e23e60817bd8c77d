package faketeleport

import (
	"sync"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	rulespb "github.com/gravitational/teleport/api/gen/proto/go/teleport/accessmonitoringrules/v1"
	"github.com/gravitational/teleport/api/types"
)

// Cluster is the state of a Teleport cluster as far as Access Requests go. All
// methods may be called concurrently. Each is atomic: whoever sees an event of
// a watcher can read the state that it tells of.
type Cluster struct {
	cfg   Config
	certs *authorities

	mu         sync.Mutex
	closed     bool
	users      map[string]User
	locked     map[string]bool // users
	locks      map[string]*types.LockV2
	lockedAt   map[string]time.Time // when each lock was made, by its name
	roles      map[string]Role
	requests   map[string]*request
	version    uint64 // counts changes of requests
	indexes    map[proto.AccessRequestSort]cachedIndex
	pluginData map[string]*pluginRecord
	resources  []types.ResourceWithLabels
	monitoring map[string]*rulespb.AccessMonitoringRule // never changed once stored
	watchers   map[*watcher]struct{}
	recent     []types.Event // the last events that watchers were told of
	heldBack   []types.Event // events that they will be told of together
	audit      []AuditEvent
	calls      map[string]int
	faults     []*armedFault
}

// request is a stored Access Request. The resource is never changed once it is
// stored, only replaced, so that it can be handed out without a copy.
type request struct {
	res   *types.AccessRequestV3
	timer *time.Timer
}

// New makes a cluster with the roles of Presets and no users. Close it to stop
// its timers and end its watchers. The error can only come from the making of
// keys.
func New(cfg Config) (*Cluster, error) {
	certs, err := newAuthorities()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg:        cfg.withDefaults(),
		certs:      certs,
		users:      map[string]User{},
		locked:     map[string]bool{},
		locks:      map[string]*types.LockV2{},
		lockedAt:   map[string]time.Time{},
		roles:      map[string]Role{},
		requests:   map[string]*request{},
		indexes:    map[proto.AccessRequestSort]cachedIndex{},
		pluginData: map[string]*pluginRecord{},
		watchers:   map[*watcher]struct{}{},
		monitoring: map[string]*rulespb.AccessMonitoringRule{},
		calls:      map[string]int{},
	}
	for _, r := range Presets() {
		c.roles[r.Name] = r
	}
	return c, nil
}

// Close ends all watchers and stops all timers: nothing expires any more. The
// state can still be read. Closing twice is harmless.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, r := range c.requests {
		r.timer.Stop()
	}
	for _, d := range c.pluginData {
		d.timer.Stop()
	}
	c.closeWatchersLocked(errClusterClosed)
}

// Name is the cluster's name.
func (c *Cluster) Name() string { return c.cfg.ClusterName }

// Calls counts the gRPC calls that reached the server so far, by method name,
// such as "SubmitAccessReview". Refused and failed calls count too.
func (c *Cluster) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int, len(c.calls))
	for m, n := range c.calls {
		out[m] = n
	}
	return out
}

func (c *Cluster) countCall(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[method]++
}
