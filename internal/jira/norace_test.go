//go:build !race

package jira_test

// raceDetector reports that the race detector is on, with which answers of many
// megabytes take minutes.
const raceDetector = false
