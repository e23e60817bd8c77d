// Package faketeleport is a stateful double of a Teleport Auth Service, for
// tests and for the sandbox. It has two layers.
//
// Cluster is the state: users and their roles, Access Requests with reviews and
// expiry, plugin data, watchers, and an audit trail. Its methods are what a
// person at the other end does: make a request, review it, expire it, look at
// what has come of it.
//
// Server puts a Cluster behind gRPC over mutual TLS, on a TCP socket or in
// memory, so that the client of github.com/gravitational/teleport/api talks to
// it unchanged. Proxy puts a Server behind a Teleport Proxy's TLS listener.
// Callers are who their client certificate says. All of it runs inside a
// testing/synctest bubble, where time is fake; there, use ServeMemory and make
// the Cluster inside the bubble.
//
// The double behaves as the api module's documentation and a running cluster
// do, not as would be convenient: watchers tell nothing of the past, deletions
// carry a bare header, lists are cut to what the caller may see without an
// error, plugin data is compared and swapped.
//
// A test is written so; over a socket it is Serve in place of ServeMemory:
//
//	cluster, err := faketeleport.New(faketeleport.Config{})
//	cluster.PutUser(faketeleport.User{Name: "bot", Roles: []string{faketeleport.RolePluginReviewer}})
//	server, err := faketeleport.ServeMemory(cluster)
//	clt, err := server.Client(ctx, "bot") // or client.Config{Dialer: server.Dialer(), …}
//	req, err := cluster.CreateRequest("alice", []string{"dba"}, "need it", faketeleport.RequestOptions{})
//
// The package may not import any other package of this module, so that it can't
// come to share a mistake with what it tests. It is not for production use:
// keys live in memory and nothing limits what a caller may store.
package faketeleport
