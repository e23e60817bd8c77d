// Package e2e shows that the daemon does what it promises: it runs the built
// binary as a process against the doubles of Teleport and Jira, over real
// sockets, and looks at what an operator, a requester and a reviewer can see.
// It has tests only. They may not use any package of the daemon, so that they
// see nothing but the process.
package e2e
