package jira

import (
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// isOwn reports whether an account is the daemon's, or one that it worked as
// before.
func (c *Client) isOwn(who access.Actor) bool {
	if who.Same(c.Self()) {
		return true
	}
	return who.ID != "" && slices.ContainsFunc(c.cfg.EarlierAccounts, func(earlier string) bool {
		return who.ID == earlier || who.Name != "" && strings.EqualFold(who.Name, earlier)
	})
}

// createdBySelf is the clause of a query that selects the issues of the present
// account.
const createdBySelf = "creator = currentUser()"

// ownIssues is the clause of a query that selects the issues that the daemon
// created.
func (c *Client) ownIssues() string {
	if len(c.cfg.EarlierAccounts) == 0 {
		return createdBySelf
	}
	return "creator in (currentUser(), " + jqlList(c.cfg.EarlierAccounts) + ")"
}
