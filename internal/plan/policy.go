package plan

import (
	"slices"
	"time"

	"teleport-jira/internal/access"
)

// Policy is what the operator configured. It is read-only once in use.
type Policy struct {
	Statuses Statuses
	Default  Route
	Routes   []Route // the first match wins; none means Default
	Review   ReviewRules
	Access   AccessRules
	// Plugin is the name by which the cluster's access monitoring rules know the
	// daemon; "": DefaultPlugin. The rules themselves are the cluster's and reach
	// replicas one after the other: they are no part of the policy.
	Plugin string
	// IgnoreMonitoring says that access monitoring rules are not followed.
	IgnoreMonitoring bool
}

// ReviewRules are who may decide, and how a decision reaches Teleport.
type ReviewRules struct {
	Mode              access.ReviewMode // as configured; auto is resolved by the cluster
	AllowSelfApproval bool
	Approvers         []string // handles, see access.ParseHandle
	Denied            []string // handles of accounts that never decide
	ApproverGroups    []string // handles, see access.ParseGroup
	RequireSuggested  bool
	RequireReason     bool              // no decision without a reason by the same person
	MaxDecisionAge    time.Duration     // an older status change decides nothing; 0: none is too old
	Users             map[string]string // handle = Teleport user
	IdentityRequired  bool              // only accounts that map to exactly one Teleport user decide
	UserTrait         string
	MatchEmail        bool
	TrustEmail        bool // on Data Center, people can't change their own addresses
}

// Statuses maps states to the statuses, by name or id, that stand for them.
// The first of a list is only a preference: any of them will do.
type Statuses map[access.State][]string

// StateOf returns the state that a status stands for; ok is false for a status that
// the mapping does not know. Of several states that share a status it is the
// first in the order below: approved and promoted usually share one.
func (s Statuses) StateOf(status access.Status) (state access.State, ok bool) {
	for _, state := range []access.State{access.Pending, access.Approved, access.Denied, access.Expired, access.Promoted, access.Ended, access.Revoked} {
		if s.Has(state, status) {
			return state, true
		}
	}
	return "", false
}

// Has reports whether the status stands for the state.
func (s Statuses) Has(state access.State, status access.Status) bool {
	return slices.ContainsFunc(s[state], status.Is)
}
