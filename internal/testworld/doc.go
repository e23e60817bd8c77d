// Package harness is what tests of the built daemon need besides the doubles:
// the daemon itself, processes to kill and pause, addresses, and a site that can
// be away.
package testworld
