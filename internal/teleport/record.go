package teleport

import (
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// recordKeys are the keys of the record in plugin data: the first nine are
// shared with the existing plugin, which ignores the others. Keys that are not
// listed belong to somebody else and are left alone.
func recordKeys() []string {
	return []string{
		"issue_id", "issue_key", "user", "roles", "created", "request_reason",
		"reviews_count", "resolution", "resolve_reason",
		"expires", "claim", "claim_until", "unsure", "handled_move",
	}
}

// encodeRecord gives the value of every key of a record. An empty value means
// that the key is absent.
func encodeRecord(r access.Record) map[string]string {
	return map[string]string{
		"issue_id":       r.IssueID,
		"issue_key":      r.IssueKey,
		"user":           r.User,
		"roles":          strings.Join(r.Roles, ","),
		"created":        encodeTime(r.Created),
		"request_reason": r.RequestReason,
		"reviews_count":  encodeCount(r.ReviewsCount),
		"resolution":     string(r.Resolution),
		"resolve_reason": r.ResolveReason,
		"expires":        encodeTime(r.Expires),
		"claim":          r.Claim,
		"claim_until":    encodeTime(r.ClaimUntil),
		"unsure":         r.Ambiguous,
		"handled_move":   r.HandledChange,
	}
}

// decodeRecord reads a record from plugin data. A value that is malformed
// reads as absent: what it says is then found out anew, which is safe, while a
// record that can't be read would stop its request for ever.
func decodeRecord(data map[string]string) access.Record {
	return access.Record{
		IssueID:       data["issue_id"],
		IssueKey:      data["issue_key"],
		User:          data["user"],
		Roles:         decodeList(data["roles"]),
		Created:       decodeTime(data["created"]),
		RequestReason: data["request_reason"],
		ReviewsCount:  decodeCount(data["reviews_count"]),
		Resolution:    decodeResolution(data["resolution"]),
		ResolveReason: data["resolve_reason"],
		Expires:       decodeTime(data["expires"]),
		Claim:         data["claim"],
		ClaimUntil:    decodeTime(data["claim_until"]),
		Ambiguous:     data["unsure"],
		HandledChange: data["handled_move"],
	}
}

func encodeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// lastSecond is the end of the year 9999, the last time that can be written as
// text everywhere.
const lastSecond = 253402300799

func decodeTime(s string) time.Time {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func encodeCount(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func decodeCount(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func decodeList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func decodeResolution(s string) access.State {
	switch state := access.State(s); state {
	case access.Approved, access.Denied, access.Expired, access.Promoted:
		return state
	case access.Pending:
	}
	return ""
}
