package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What needs the access to be followed turns that on; without anything it is off.
func TestTrackFollowsFromWhatNeedsIt(t *testing.T) {
	for text, on := range map[string]bool{
		"":                                     false,
		"[access]\ntrack = true\n":             true,
		"[jira.statuses]\nended = \"Ended\"\n": true,
		"[jira.statuses]\nrevoked = [\"Revoked\"]\n":                                     true,
		"[jira.statuses]\nended = \"\"\nrevoked = \"\"\n[access]\nmax_duration = \"\"\n": false,
		"[access]\nmax_duration = \"4h\"\n":                                              true,
		"[access]\ntrack = false\n":                                                      false,
	} {
		require.Equal(t, on, mustParse(t, minimal+text).Access.Track, text)
	}
	require.Equal(t, 90*time.Second, mustParse(t, minimal+"[access]\nmax_duration = \"90s\"\n").Access.MaxDuration, "any positive duration")
}

func TestFaultsOfAccess(t *testing.T) {
	for text, key := range map[string]string{
		"[jira.statuses]\nended = \"Ended\"\n[access]\ntrack = false\n": "access.track",
		"[jira.statuses]\nrevoked = \"approved\"\n":                     "jira.statuses.revoked",
		"[jira.statuses]\nended = \"E\"\nrevoked = \"e\"\n":             "jira.statuses.revoked",
		"[jira.statuses]\nended = \"Pending\"\n":                        "jira.statuses.ended",
		"[jira.statuses]\nended = [\"\"]\n":                             "jira.statuses.ended",
		"[access]\nmax_duration = \"-1s\"\n":                            "access.max_duration",
		"[access]\nmax_duration = 4\n":                                  "access.max_duration",
	} {
		_, err := Parse("test.toml", []byte(minimal+text), Options{})
		var faults Faults
		require.ErrorAs(t, err, &faults, text)
		require.Contains(t, faults[0].Key, key, text)
	}
}
