package teleport

import (
	"context"
	"errors"
	"strconv"

	"github.com/gravitational/teleport/api/types"

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
		"cluster", "requester_account", "text_confirmed", "rules_digest", "refusals", "route", "automatic",
		"access_from", "access_until", "ended", "lock_at", "locked_by",
	}
}

// encodeRecord gives the value of every key of a record. An empty value means
// that the key is absent.
func encodeRecord(r access.Record) map[string]string {
	return map[string]string{
		"issue_id":       r.IssueID,
		"issue_key":      r.IssueKey,
		"user":           r.User,
		"roles":          r.Roles,
		"created":        encodeTime(r.Created),
		"request_reason": r.RequestReason,
		"reviews_count":  encodeCount(r.ReviewsCount),
		"resolution":     string(r.Resolution),
		"resolve_reason": r.ResolveReason,
		"expires":        encodeTime(r.Expires),
		"claim":          r.Claim,
		"claim_until":    encodeTime(r.ClaimUntil),
		"unsure":         string(r.Ambiguous),
		"handled_move":   r.HandledChange,

		"cluster":           r.Cluster,
		"requester_account": r.RequesterAccount,
		"text_confirmed":    r.TextConfirmed,
		"rules_digest":      r.RulesDigest,
		"route":             r.Route,
		"automatic":         string(r.Automatic),
		"refusals":          encodeCount(r.Refusals),

		"access_from":  encodeTime(r.AccessFrom),
		"access_until": encodeTime(r.AccessUntil),
		"ended":        string(r.Ended),
		"lock_at":      encodeTime(r.LockAt),
		"locked_by":    string(r.LockedBy),
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
		Roles:         data["roles"],
		Created:       decodeTime(data["created"]),
		RequestReason: data["request_reason"],
		ReviewsCount:  decodeCount(data["reviews_count"]),
		Resolution:    decodeResolution(data["resolution"]),
		ResolveReason: data["resolve_reason"],
		Expires:       decodeTime(data["expires"]),
		Claim:         data["claim"],
		ClaimUntil:    decodeTime(data["claim_until"]),
		Ambiguous:     access.Attempt(data["unsure"]),
		HandledChange: data["handled_move"],

		Cluster:          data["cluster"],
		RequesterAccount: data["requester_account"],
		TextConfirmed:    data["text_confirmed"],
		RulesDigest:      data["rules_digest"],
		Route:            data["route"],
		Automatic:        access.Automatic(data["automatic"]),
		Refusals:         decodeCount(data["refusals"]),

		AccessFrom:  decodeTime(data["access_from"]),
		AccessUntil: decodeTime(data["access_until"]),
		Ended:       decodeEnd(data["ended"]),
		LockAt:      decodeTime(data["lock_at"]),
		LockedBy:    access.LockedBy(data["locked_by"]),
	}
}

func encodeTime(t access.UnixTime) string {
	if t == 0 {
		return ""
	}
	return strconv.FormatInt(int64(t), 10)
}

// lastSecond is the end of the year 9999, the last time that can be written as
// text everywhere.
const lastSecond = 253402300799

func decodeTime(s string) access.UnixTime {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return 0
	}
	return access.UnixTime(seconds)
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

func decodeResolution(s string) access.State {
	switch state := access.State(s); state {
	case access.Approved, access.Denied, access.Expired, access.Promoted:
		return state
	case access.Pending:
	}
	return ""
}

func decodeEnd(s string) access.End {
	switch end := access.End(s); end {
	case access.EndExpired, access.EndDeleted, access.EndRevoked:
		return end
	}
	return ""
}

// pluginName owns the record in plugin data. It is the existing plugin's name,
// so that its records are continued.
const pluginName = "jira"

// maxRoles bounds the role names in the record, in bytes, at a whole name. The
// server refuses plugin data over 1,000,000 bytes, encoded as JSON and with
// that of other plugins, and the request would never get an issue. Roles, user
// and reasons are there for the existing plugin and for people; the daemon does
// not read them back. Reasons that the server has accepted fit in maxReason.
const maxRoles = 64 << 10

// Record reads the plugin data of a request; the zero Record when there is none.
func (c *Client) Record(ctx context.Context, id access.RequestID) (access.Record, error) {
	data, err := c.pluginData(ctx, id)
	if err != nil {
		return access.Record{}, err
	}
	return decodeRecord(data), nil
}

// SwapRecord replaces old by next if the stored record still equals old in
// every field. It is access.ErrConflict when it does not, and
// access.ErrNotFound when there is none and none can be created because the
// request was deleted. After an Ambiguous error it may have been replaced.
func (c *Client) SwapRecord(ctx context.Context, id access.RequestID, old, next access.Record) error {
	expect := boundedValues(old)
	set := changedValues(expect, boundedValues(next))
	err := c.swap(ctx, id, set, expect)
	if !errors.Is(err, access.ErrConflict) {
		return err
	}
	// A stored value that is malformed, or encoded in another way, decodes to
	// old's and yet differs from its encoding. Expect the stored values then.
	data, readErr := c.pluginData(ctx, id)
	if readErr != nil {
		return readErr
	}
	stored := storedValues(data)
	canonical := boundedValues(decodeRecord(data))
	if len(changedValues(expect, canonical)) > 0 || len(changedValues(canonical, stored)) == 0 {
		return err
	}
	return c.swap(ctx, id, set, stored)
}

func (c *Client) swap(ctx context.Context, id access.RequestID, set, expect map[string]string) error {
	_, err := call(ctx, c, methodSwapData(), string(id), func(ctx context.Context, a api) (struct{}, error) {
		return struct{}{}, a.UpdatePluginData(ctx, types.PluginDataUpdateParams{
			Kind: types.KindAccessRequest, Resource: string(id), Plugin: pluginName, Set: set, Expect: expect,
		})
	})
	return err
}

// pluginData reads all values stored for the request under the plugin's name.
func (c *Client) pluginData(ctx context.Context, id access.RequestID) (map[string]string, error) {
	all, err := call(ctx, c, methodGetData(), string(id), func(ctx context.Context, a api) ([]types.PluginData, error) {
		return a.GetPluginData(ctx, types.PluginDataFilter{
			Kind: types.KindAccessRequest, Resource: string(id), Plugin: pluginName,
		})
	})
	switch {
	case errors.Is(err, access.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, data := range all {
		entry := data.Entries()[pluginName]
		if data.GetName() == string(id) && entry != nil {
			return entry.Data, nil
		}
	}
	return nil, nil
}

// boundedValues encodes the record within the limits above. The same record is
// always cut in the same way, and a cut one not again, so that comparing holds.
func boundedValues(r access.Record) map[string]string {
	values := encodeRecord(r)
	for _, key := range []string{"user", "request_reason", "resolve_reason"} {
		values[key] = truncate(values[key], maxReason)
	}
	values["roles"] = truncateList(values["roles"], maxRoles)
	return values
}

// storedValues returns the values of the record's keys, "" for absent ones.
func storedValues(data map[string]string) map[string]string {
	stored := make(map[string]string)
	for _, key := range recordKeys() {
		stored[key] = data[key]
	}
	return stored
}

// changedValues returns the values of next that differ from old's.
func changedValues(old, next map[string]string) map[string]string {
	changed := make(map[string]string)
	for key, value := range next {
		if old[key] != value {
			changed[key] = value
		}
	}
	return changed
}
