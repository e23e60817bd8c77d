package teleport

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
)

func TestRecordKeysAreAllEncoded(t *testing.T) {
	require.ElementsMatch(t, recordKeys(), slices.Collect(maps.Keys(encodeRecord(access.Record{}))))
	require.Len(t, recordKeys(), reflect.TypeFor[access.Record]().NumField(), "a field has no key")
}

func TestRecordEncodesAsTheExistingPluginDoes(t *testing.T) {
	got := encodeRecord(access.Record{
		IssueID: "10001", IssueKey: "TAR-1", User: "alice", Roles: "editor,dba",
		Created: 1700000000, RequestReason: "why not", ReviewsCount: 2,
		Resolution: access.Approved, ResolveReason: "fine",
	})
	maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
	require.Equal(t, map[string]string{
		"issue_id": "10001", "issue_key": "TAR-1", "user": "alice", "roles": "editor,dba",
		"created": "1700000000", "request_reason": "why not", "reviews_count": "2",
		"resolution": "approved", "resolve_reason": "fine",
	}, got)
}

func TestZeroRecordIsNoKey(t *testing.T) {
	for key, value := range encodeRecord(access.Record{}) {
		require.Empty(t, value, key)
	}
	require.True(t, decodeRecord(nil).IsZero())
}

func TestMalformedValuesReadAsAbsent(t *testing.T) {
	for name, data := range map[string]map[string]string{
		"created is text":       {"created": "yesterday"},
		"created is negative":   {"created": "-62135596800"},
		"created is far away":   {"created": "9223372036854775807"},
		"count is text":         {"reviews_count": "two"},
		"count is negative":     {"reviews_count": "-1"},
		"resolution is unknown": {"resolution": "maybe"},
		"resolution is pending": {"resolution": "pending"},
		"keys are unknown":      {"colour": "blue"},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, decodeRecord(data).IsZero())
		})
	}
}

func TestRecordSurvivesPluginData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		got := decodeRecord(encodeRecord(want))
		require.Equal(t, want, got)
	})
}

func drawRecord(t *rapid.T) access.Record {
	text := rapid.String()
	seconds := rapid.Custom(func(t *rapid.T) access.UnixTime {
		return access.UnixTime(rapid.Int64Range(0, lastSecond).Draw(t, "seconds"))
	})
	return access.Record{
		IssueID: text.Draw(t, "issue_id"), IssueKey: text.Draw(t, "issue_key"), User: text.Draw(t, "user"),
		Roles: text.Draw(t, "roles"), Created: seconds.Draw(t, "created"),
		RequestReason: text.Draw(t, "request_reason"), ReviewsCount: rapid.IntRange(0, 99).Draw(t, "count"),
		Resolution: rapid.SampledFrom([]access.State{
			"", access.Approved, access.Denied, access.Expired, access.Promoted,
		}).Draw(t, "resolution"),
		ResolveReason: text.Draw(t, "resolve_reason"), Expires: seconds.Draw(t, "expires"),
		Claim: text.Draw(t, "claim"), ClaimUntil: seconds.Draw(t, "claim_until"),
		Ambiguous: access.Attempt(text.Draw(t, "unsure")), HandledChange: text.Draw(t, "handled_move"),
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add("10001", "editor,dba", "1700000000", "2", "approved")
	f.Add("", ",", "-1", "007", "Approved")
	f.Add("x", "a,,b", "1e9", "9999999999999999999", "pending")
	f.Fuzz(func(t *testing.T, id, roles, created, count, resolution string) {
		data := map[string]string{
			"issue_id": id, "roles": roles, "created": created, "reviews_count": count, "resolution": resolution,
		}
		first := decodeRecord(data)
		require.Equal(t, first, decodeRecord(encodeRecord(first)), "a decoded record is stable")
		require.Equal(t, roles, first.Roles)
		require.GreaterOrEqual(t, first.ReviewsCount, 0)
	})
}
