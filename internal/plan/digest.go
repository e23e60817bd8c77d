package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// digestSize is how many bytes of the hash a digest shows: enough to tell
// configurations apart, short enough to be compared by eye.
const digestSize = 8

// Digest names the rules: who may decide, what a status means, and which
// requests belong where. Equal rules have the same digest in every process and
// after every restart, however lists without an order were written; any other
// rules have another. Labels and issue types are no rules. A setting that is at
// its zero value counts as absent, so that a version that knows more settings
// agrees with one that knows fewer. It is computed with each call.
func (p Policy) Digest() string {
	p.Default = p.Default.rules()
	p.Routes = slices.Clone(p.Routes)
	for i := range p.Routes {
		p.Routes[i] = p.Routes[i].rules()
	}
	sum := sha256.Sum256(mustEncode(canonical(decoded(p))))
	return hex.EncodeToString(sum[:digestSize])
}

// rules returns what of the route says where a request is decided.
func (r Route) rules() Route {
	r.Labels, r.IssueType = nil, ""
	return r
}

// decoded returns the policy as encoding/json's maps and lists, so that every
// exported field counts, also one that is added later.
func decoded(p Policy) (tree any) {
	if err := json.Unmarshal(mustEncode(p), &tree); err != nil {
		panic("plan: policy does not decode: " + err.Error())
	}
	return tree
}

// mustEncode encodes a policy or a part of it, of which all types are known to
// be encodable. Maps are encoded in the order of their keys.
func mustEncode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("plan: policy does not encode: " + err.Error())
	}
	return data
}

// canonical drops what is at its zero value and sorts lists of texts, all of
// which are sets. Lists of tables, which are the routes, keep their order: the
// first match wins.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if value = canonical(value); !isZero(value) {
				out[key] = value
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		texts := true
		for i, value := range v {
			out[i] = canonical(value)
			_, text := out[i].(string)
			texts = texts && text
		}
		if texts {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			out = slices.Compact(out)
		}
		return out
	}
	return v
}

func isZero(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case nil:
		return true
	}
	return v == false || v == "" || v == float64(0)
}
