package teleport

import (
	"log/slog"
	"time"

	"github.com/gravitational/teleport/api/client"

	"teleport-jira/internal/access"
	"teleport-jira/internal/preflight"
)

// DefaultMinVersion is the oldest Auth Service that the daemon accepts. Older
// ones are long out of support and untried; the calls in use are the same in
// all later ones, but for the listing by pages, which has a fallback.
const DefaultMinVersion = "13.0.0"

// DefaultRefreshInterval is how often the identity files are polled.
const DefaultRefreshInterval = time.Minute

const (
	// dialTimeout bounds a dial; Auth Service and Proxy are tried in parallel.
	dialTimeout = 10 * time.Second
	// untrustedTimeout bounds a dial to a Proxy whose web certificate is not
	// trusted.
	untrustedTimeout = 2 * time.Second
	// callTimeout bounds a call for one thing. It leaves a worker whose call
	// hangs the time to try again within the life of its claim.
	callTimeout = 10 * time.Second
	// listTimeout bounds a call for a page of many things.
	listTimeout = 30 * time.Second
	// maxMessageSize bounds an answer, in bytes. The client's default of 4 MiB
	// is too little for a page of requests that each name hundreds of resources.
	maxMessageSize = 16 << 20
	// namesTimeout bounds the look-up of friendly names, which are optional.
	namesTimeout = 5 * time.Second
	// maxRedialDelay bounds gRPC's delay between its own dials. Its default of
	// two minutes would keep the daemon that long from a cluster that is back.
	maxRedialDelay = time.Second
)

// Config is the cluster's address and the daemon's identity. Either Identity is set or
// all three of ClientKey, ClientCrt and RootCAs.
type Config struct {
	// Addr is the host and port of a Proxy or an Auth Service. A key pair
	// reaches an Auth Service only.
	Addr string
	// Identity is the path of an identity file, from tbot or tctl.
	Identity string
	// ClientKey, ClientCrt and RootCAs are paths of PEM files.
	ClientKey, ClientCrt, RootCAs string
	// CAFile names PEM certificates to trust beside the system's for the web
	// certificate of a Proxy; empty means the system's only.
	CAFile string
	// RefreshIdentity makes Run poll the files.
	RefreshIdentity bool
	// RefreshInterval is how often; 0 means DefaultRefreshInterval.
	RefreshInterval time.Duration
	// MinVersion is the oldest Auth Service to accept; empty means
	// DefaultMinVersion.
	MinVersion string
	// ReviewMode is how decisions are submitted; empty means access.ModeAuto.
	ReviewMode access.ReviewMode
	// NeedUsers: Jira users are mapped by a Teleport trait, so that Preflight
	// checks the right to read users.
	NeedUsers bool
	// NeedLocks: accesses are ended by locks, so that Preflight checks the right to
	// make them.
	NeedLocks bool
	// MonitoringRules: the cluster's access monitoring rules are watched and
	// reported.
	MonitoringRules bool
	// RulesInterval is how often they are listed, for a server that does not let
	// them be watched; 0 means DefaultRulesInterval.
	RulesInterval time.Duration
}

// DefaultRulesInterval is how often access monitoring rules are listed.
const DefaultRulesInterval = 10 * time.Minute

// Deps are the Client's dependencies. Logger and Metrics are required.
type Deps struct {
	Logger  *slog.Logger
	Metrics *Metrics
	// Dialer replaces the network, for a cluster in the same process; nil dials
	// Addr.
	Dialer client.ContextDialer
	// DescribeRules says for Preflight what access monitoring rules come to; nil
	// where only their number is told.
	DescribeRules func([]access.MonitoringRule) []preflight.Finding
}

// withDefaults replaces empty values by their defaults.
func (c Config) withDefaults() Config {
	if c.RefreshInterval <= 0 {
		c.RefreshInterval = DefaultRefreshInterval
	}
	if c.MinVersion == "" {
		c.MinVersion = DefaultMinVersion
	}
	if c.RulesInterval <= 0 {
		c.RulesInterval = DefaultRulesInterval
	}
	if c.ReviewMode == "" {
		c.ReviewMode = access.ModeAuto
	}
	return c
}
