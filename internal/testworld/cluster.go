package testworld

import (
	"fmt"
	"time"

	"teleport-jira/internal/faketeleport"
)

// Bot is the daemon's Teleport user.
const Bot = "jira-bot"

// ClusterOptions describe a cluster and who is in it.
type ClusterOptions struct {
	Config   faketeleport.Config
	Addr     string   // where it is served; empty: any free port
	BotRoles []string // of Bot
	Users    []faketeleport.User
	// Identity is where Bot's identity file is written; empty: nowhere yet. It
	// lasts as long as IdentityTTL says; an hour if that is 0.
	Identity    string
	IdentityTTL time.Duration
}

// Cluster is a cluster's double behind a socket.
type Cluster struct {
	*faketeleport.Cluster
	Auth *faketeleport.Server
}

// NewCluster serves a cluster and writes the daemon's identity. The caller has
// to call Close.
func NewCluster(o ClusterOptions) (*Cluster, error) {
	cluster, err := faketeleport.New(o.Config)
	if err != nil {
		return nil, fmt.Errorf("make the cluster: %w", err)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	auth, err := faketeleport.Serve(cluster, o.Addr)
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("serve the cluster: %w", err)
	}
	c := &Cluster{Cluster: cluster, Auth: auth}
	cluster.PutUser(faketeleport.User{Name: Bot, Roles: o.BotRoles})
	for _, user := range o.Users {
		cluster.PutUser(user)
	}
	if o.IdentityTTL == 0 {
		o.IdentityTTL = time.Hour
	}
	if o.Identity == "" {
		return c, nil
	}
	if err := cluster.WriteIdentityFile(o.Identity, Bot, o.IdentityTTL); err != nil {
		c.Close()
		return nil, fmt.Errorf("write the identity: %w", err)
	}
	return c, nil
}

// Close stops the server and the cluster.
func (c *Cluster) Close() {
	c.Auth.Stop()
	c.Cluster.Close()
}

// Configure adds how the daemon joins the cluster.
func (c *Cluster) Configure(conf Config, identity string) {
	conf.Set("teleport", "auth_server", c.Auth.Addr())
	conf.Set("teleport", "identity", identity)
}
