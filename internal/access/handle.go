package access

import (
	"errors"
	"regexp"
	"strings"
)

// HandleKind is the one attribute of an account or group that a handle means.
type HandleKind string

// The kinds, as they are written before a handle.
const (
	HandleBare  HandleKind = ""      // see Handle
	HandleID    HandleKind = "id"    // Cloud's account id; a group's id
	HandleKey   HandleKind = "key"   // Data Center's user key
	HandleName  HandleKind = "name"  // Data Center's user name; a group's name
	HandleEmail HandleKind = "email" // an e-mail address
)

// Handle names an account or group as an operator writes it: "kind:value", or a
// bare value. A bare value means one attribute only. With an @ that is the
// address; else the account id on Cloud, and the user name on Data Center, where
// JIRAUSER and digits is a key. Of a group it is the name, unless it has the form
// of an id.
type Handle struct {
	Kind  HandleKind
	Value string
}

var (
	userKeyPattern = regexp.MustCompile(`^JIRAUSER[0-9]+$`)
	groupIDPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// ParseHandle reads the handle of an account.
func ParseHandle(s string) Handle {
	h := parseKind(s, HandleID, HandleKey, HandleName, HandleEmail)
	switch {
	case h.Kind != HandleBare:
	case strings.Contains(s, "@"):
		h.Kind = HandleEmail
	case userKeyPattern.MatchString(s):
		h.Kind = HandleKey
	}
	return h
}

// ParseGroup reads the handle of a group.
func ParseGroup(s string) Handle {
	h := parseKind(s, HandleID, HandleName)
	switch {
	case h.Kind != HandleBare:
	case groupIDPattern.MatchString(s):
		h.Kind = HandleID
	default:
		h.Kind = HandleName
	}
	return h
}

// parseKind splits off one of the kinds. Any other text before a colon is part of
// the value, as in Cloud's account ids.
func parseKind(s string, kinds ...HandleKind) Handle {
	for _, kind := range kinds {
		if value, ok := strings.CutPrefix(s, string(kind)+":"); ok {
			return Handle{kind, value}
		}
	}
	return Handle{HandleBare, s}
}

// Validate returns what keeps the handle from naming anything; nil when it may.
func (h Handle) Validate() error {
	switch {
	case strings.TrimSpace(h.Value) == "":
		return errors.New("must not be empty")
	case h.Kind == HandleEmail && !strings.Contains(h.Value, "@"):
		return errors.New("must be an e-mail address")
	}
	return nil
}

// Names reports whether the handle names the account. trustEmail says that on
// Data Center addresses count, where people may be able to change their own.
func (h Handle) Names(a Actor, trustEmail bool) bool {
	if h.Value == "" {
		return false
	}
	switch h.Kind {
	case HandleID, HandleKey:
		return a.ID == h.Value
	case HandleName:
		return a.Name != "" && EqualFoldASCII(a.Name, h.Value)
	case HandleEmail:
		return (trustEmail || !a.OnDataCenter()) && EqualFoldASCII(a.Email, h.Value)
	}
	if a.OnDataCenter() {
		return EqualFoldASCII(a.Name, h.Value)
	}
	return a.ID == h.Value
}

// NamesGroup reports whether the handle names the group; id is empty where Jira
// gives none.
func (h Handle) NamesGroup(id, name string) bool {
	if h.Kind == HandleID {
		return h.Value != "" && id == h.Value
	}
	return h.Value != "" && EqualFoldASCII(name, h.Value)
}

// EqualFoldASCII reports whether two names are the same but for the case of the
// letters A to Z. Unicode's folding takes ſ for s and the Kelvin sign for k,
// which are other people's names.
func EqualFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
