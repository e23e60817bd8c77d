// Package sim holds the deterministic simulation: several replicas of the real
// reconciler with both real adapters, between the doubles of both sides, in one
// process and in fake time, with seeded faults, crashes and people. It checks
// the daemon's promises after every run. It has tests only.
package sim
