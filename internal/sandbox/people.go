package sandbox

import (
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Those who live in the sandbox. In Teleport and Jira alike, people are known
// by the same e-mail address.
const (
	alice = "alice@example.com"
	bob   = "bob@example.com"
	carol = "carol@example.com"
	dave  = "dave@example.com"

	mallory = "mallory" // in Jira only
)

// approvers may decide in Jira. Alice is one of them, and still may not decide
// her own requests.
func approvers() []string { return []string{alice, bob, carol} }

// requesters are the Teleport users that the page offers.
func requesters() []string { return []string{alice, dave, bob, carol} }

func teleportUsers() []faketeleport.User {
	reviewer := []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}
	return []faketeleport.User{
		{Name: alice, Roles: reviewer},
		{Name: bob, Roles: reviewer},
		{Name: carol, Roles: reviewer},
		{Name: dave, Roles: []string{faketeleport.RoleRequester}},
	}
}

func jiraAccounts() []fakejira.Account {
	return []fakejira.Account{
		{ID: fakejira.BobID, DisplayName: "Bob Brown", Email: bob},
		{ID: fakejira.CarolID, DisplayName: "Carol Clark", Email: carol},
		{ID: fakejira.AliceID, DisplayName: "Alice Adams", Email: alice},
		{ID: mallory, DisplayName: "Mallory Moore", Email: "mallory@example.com"},
		{ID: fakejira.RobotID, DisplayName: "Automation", Type: fakejira.AppAccount},
		{ID: fakejira.BotID, DisplayName: "Teleport Bot", Email: fakejira.BotEmail, Token: fakejira.BotToken},
	}
}

// accountNotes say what the accounts to act as are good for.
func accountNotes() map[string]string {
	return map[string]string{
		fakejira.BobID:   "approver",
		fakejira.CarolID: "approver",
		fakejira.AliceID: "approver, not of her own",
		mallory:          "no approver",
		fakejira.RobotID: "an app account",
		fakejira.BotID:   "the daemon's account",
	}
}

// actors are the ids of the accounts that the page offers to act as.
func actors() []string {
	return []string{fakejira.BobID, fakejira.CarolID, fakejira.AliceID, mallory, fakejira.RobotID}
}
