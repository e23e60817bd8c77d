// Package sandbox is a world to try the daemon in: a double of a Teleport
// cluster, a double of Jira, the real daemon as a child process between them,
// and a page that shows and drives all three.
//
// It is for demonstrations and tests. It listens on loopback only, and no
// production package may import it.
package sandbox
