package faketeleport

import (
	"time"

	"github.com/gravitational/teleport/api/defaults"
)

// Config describes the cluster that is played. The zero value is a current
// Enterprise cluster that does not know reviews on behalf of others.
type Config struct {
	// ClusterName defaults to "sandbox.example.com".
	ClusterName string
	// Version is Ping's answer; it defaults to "18.0.0", or "18.11.0" with
	// OnBehalf. It changes no
	// behaviour: the other fields do.
	Version string
	// ProxyPublicAddr is Ping's answer; host:port, empty for a cluster
	// without a proxy.
	ProxyPublicAddr string
	// Community plays an edition without advanced access workflows: Ping says
	// so, and allow.review_requests has no effect in any role.
	Community bool
	// OnBehalf plays a server that knows review_requests.submit_for_users. Other
	// servers ignore the two fields on the wire and refuse every foreign author.
	OnBehalf bool
	// NoPagedList plays a server from before ListAccessRequests, which answers
	// that it is not implemented; clients fall back to the stream.
	NoPagedList bool
	// ListLag is how old the cache is that lists are answered from: requests that are
	// younger are not in them. Servers from 15 on have such a cache.
	ListLag time.Duration
	// PageSize is the most requests a page of ListAccessRequests holds, whatever
	// limit the caller asks for. It defaults to 1000.
	PageSize int
	// WatchBuffer is how many events a watcher may fall behind before its stream
	// is ended with an error. It defaults to 8192.
	WatchBuffer int
	// RecentEvents is how many of the events before a watcher was opened follow
	// its OpInit, as a server tells them that has them in its buffer.
	RecentEvents int
	// EventDelay holds events back and sends them together, as a server on
	// sqlite does, which looks for them about once a second.
	EventDelay time.Duration
	// DeleteDelay is how long after a request's expiry the watchers are told:
	// 0.3 s on sqlite, up to 5 minutes where a service looks for what expired.
	DeleteDelay time.Duration
	// ReadPastExpiry keeps requests readable until DeleteDelay has passed, as
	// servers with such a service do.
	ReadPastExpiry bool
	// NoDeleteAtExpiry plays a server that was down when a request expired: its
	// watchers are never told.
	NoDeleteAtExpiry bool
	// LockDelay is how long a lock takes to be in force, up to a second. Until then
	// certificates are issued and used.
	LockDelay time.Duration
	// ConnectionLimit is how many calls and streams may be under way at once;
	// 0 is no limit. What is more gets LimitExceeded.
	ConnectionLimit int
	// AdminActionMFA refuses to set states, review and delete, as servers from
	// 15 on do with a second factor demanded of administrators and an identity
	// that was not made for a bot.
	AdminActionMFA bool
	// NoMonitoringRules plays a server from before access monitoring rules: it does
	// not know the kind, and lists are not implemented.
	NoMonitoringRules bool
	// NoRuleWatch plays a server that lists access monitoring rules and does not
	// let them be watched.
	NoRuleWatch bool
	// NoWatchStatus plays a server whose OpInit does not say which kinds it grants.
	NoWatchStatus bool
}

func (cfg Config) withDefaults() Config {
	if cfg.ClusterName == "" {
		cfg.ClusterName = "sandbox.example.com"
	}
	if cfg.Version == "" {
		cfg.Version = "18.0.0"
		if cfg.OnBehalf {
			cfg.Version = "18.11.0"
		}
	}
	if cfg.PageSize <= 0 {
		cfg.PageSize = defaults.DefaultChunkSize
	}
	if cfg.WatchBuffer <= 0 {
		cfg.WatchBuffer = 8192
	}
	return cfg
}
