// Package testworld sets up what tests of the daemon, and the sandbox, run it
// in: a cluster's and a Jira's double behind sockets, the daemon's identity and
// configuration, the daemon as a process, and waits. It is the one place that
// writes the daemon's configuration for a world.
//
// It decides nothing about the daemon: who uses it says what is to happen and
// judges what did. Nothing of the daemon may be imported here.
package testworld
