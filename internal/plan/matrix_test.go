package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// The decision matrix: who x rules x mode x request x place x move, and then
// the threshold. What has to come out is written down here from the table in
// the design, in terms of what each person is, and not of how it is found out.

// somebody is a kind of person, and what the rules have to see in them.
type somebody struct {
	actor     access.Actor
	teleport  string // the Teleport user that the operator's list gives; "" for none
	looked    plan.Person
	requester bool         // is the requester, whatever tells it
	not       plan.Refusal // why nothing that anybody configures lets them decide
	app       bool         // may decide only by name
	account   bool         // the record has the account as the requester's
}

func people() map[string]somebody {
	const carol = "carol"
	person := func(id string) access.Actor {
		return access.Actor{ID: id, DisplayName: "P " + id, Type: access.AccountPerson, Active: true}
	}
	with := func(a access.Actor, f func(*access.Actor)) access.Actor { f(&a); return a }
	mail := func(m string) func(*access.Actor) { return func(a *access.Actor) { a.Email = m } }
	return map[string]somebody{
		"nobody known":            {actor: person("p1")},
		"known by the list":       {actor: person("p2"), teleport: carol},
		"known by trait":          {actor: person("p3"), looked: plan.Person{TraitUser: carol}},
		"requester by e-mail":     {actor: with(person("p4"), mail("ALICE@example.com")), requester: true},
		"requester by user name":  {actor: with(person("p5"), func(a *access.Actor) { a.Name = "alice@example.com" }), requester: true},
		"requester by the list":   {actor: person("p6"), teleport: "alice@example.com", requester: true},
		"requester by trait":      {actor: person("p7"), looked: plan.Person{TraitUser: "alice@example.com"}, requester: true},
		"requester among several": {actor: person("p8"), looked: plan.Person{IsRequester: true}, requester: true},
		"requester as another":    {actor: with(person("p9"), mail("alice@example.com")), teleport: carol, requester: true},
		"known by several":        {actor: person("p19"), looked: plan.Person{TraitUsers: 2}},
		"requester by account":    {actor: person("p16"), account: true, requester: true},
		"requester's sub-address": {actor: with(person("p17"), mail("alice+2@example.com")), not: plan.RefusedUnclear},
		"requester, masked":       {actor: with(person("p18"), mail("alice at example dot com")), not: plan.RefusedUnclear},
		"not to be found out":     {actor: person("p10"), looked: plan.Person{Unclear: "users may not be read"}, not: plan.RefusedUnclear},
		"app":                     {actor: with(person("p11"), func(a *access.Actor) { a.Type = access.AccountApp }), app: true},
		"of no known type":        {actor: with(person("p12"), func(a *access.Actor) { a.Type = "" }), app: true},
		"customer":                {actor: with(person("p13"), func(a *access.Actor) { a.Type = access.AccountCustomer }), not: plan.RefusedCustomer},
		"inactive":                {actor: with(person("p14"), func(a *access.Actor) { a.Active = false }), not: plan.RefusedInactive},
		"without an id":           {actor: access.Actor{DisplayName: "Ghost", Active: true, Type: access.AccountPerson}, not: plan.RefusedNoAuthor},
	}
}

// policy is what an operator configured about who may decide.
type policy struct {
	set func(*plan.Policy, *plan.Snapshot, somebody)
	// named: the policy names the person as an approver; refuses: why it keeps
	// the person from deciding, if nothing else does.
	named      bool
	selfIsFine bool
	mapping    bool // demands a Teleport user of whoever decides
	refuses    plan.Refusal
	late       plan.Refusal // as refuses, of somebody who may decide
}

func policies() map[string]policy {
	return map[string]policy{
		"anybody": {set: func(*plan.Policy, *plan.Snapshot, somebody) {}},
		"approvers, named": {named: true, set: func(s *plan.Policy, _ *plan.Snapshot, p somebody) {
			s.Review.Approvers = []string{"x", p.actor.ID}
		}},
		"approvers, others": {refuses: plan.RefusedNotApprover, set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.Approvers = []string{"x", ""}
		}},
		"group, member": {set: func(s *plan.Policy, v *plan.Snapshot, _ somebody) {
			s.Review.ApproverGroups, v.Person.InGroups = []string{"g"}, true
		}},
		"group, outsider": {refuses: plan.RefusedNotApprover, set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.ApproverGroups = []string{"g"}
		}},
		"suggested reviewers, others": {refuses: plan.RefusedNotSuggested, set: func(s *plan.Policy, v *plan.Snapshot, _ somebody) {
			suggest(s, v, "dave", "")
		}},
		"denied, named": {named: true, refuses: plan.RefusedDenied, set: func(s *plan.Policy, _ *plan.Snapshot, p somebody) {
			s.Review.Approvers, s.Review.Denied = []string{"id:" + p.actor.ID}, []string{"id:" + p.actor.ID}
		}},
		"mapping required": {mapping: true, set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.IdentityRequired = true
		}},
		"reason required, given": {set: func(s *plan.Policy, v *plan.Snapshot, p somebody) {
			s.Review.RequireReason = true
			v.Issue.Comments = append(v.Issue.Comments, access.Comment{Author: p.actor, Body: "reason: on call", Created: now})
		}},
		"reason required, not given": {late: plan.RefusedNoReason, set: func(s *plan.Policy, v *plan.Snapshot, _ somebody) {
			s.Review.RequireReason = true
			v.Issue.Comments = append(v.Issue.Comments, access.Comment{Author: alice, Body: "reason: on call", Created: now})
		}},
		"recent moves only, recent": {set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.MaxDecisionAge = 3 * 24 * time.Hour
		}},
		"recent moves only, old": {late: plan.RefusedTooOld, set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.MaxDecisionAge = 24 * time.Hour
		}},
		"self-approval": {selfIsFine: true, set: func(s *plan.Policy, _ *plan.Snapshot, _ somebody) {
			s.Review.AllowSelfApproval = true
		}},
	}
}

// places are where the request or its issue is out of the ordinary.
var places = []string{
	"usual", "another project", "moved in another project", "moved before the request", "moved as clocks differ", "long-term",
	"text edited", "text explained", "another cluster", "another request's", "status renamed", "status translated", "type changed",
	"history with a gap",
}

// cardMove is what happened to the card; the status is where it lies.
type cardMove struct {
	status access.Status
	how    string // "person", "daemon" (made the newest change), "unseen" (no change shows)
}

func cardMoves() []cardMove {
	var all []cardMove
	for _, status := range []access.Status{pending, approved, denied, expired, backlog} {
		for _, how := range []string{"person", "daemon", "unseen"} {
			all = append(all, cardMove{status, how})
		}
	}
	return all
}

// refusalOf is why the person may not decide the pending request; "" when they
// may. The order is the one in which a person is told.
func refusalOf(p somebody, pol policy, mode access.ReviewMode, place, how string) plan.Refusal {
	mapped := p.teleport != "" || p.looked.TraitUser != ""
	reasons := []struct {
		holds bool
		why   plan.Refusal
	}{
		{place == "another project" || place == "moved in another project" && how == "person", plan.RefusedOtherProject},
		{place == "long-term", plan.RefusedLongTerm},
		{place == "another request's", plan.RefusedOtherRequest},
		{place == "moved before the request" && how == "person", plan.RefusedTooEarly},
		{place == "type changed" && how == "person", plan.RefusedTypeChanged},
		{place == "history with a gap" && how == "person", plan.RefusedHistory},
		{place == "status renamed" && how == "person", plan.RefusedRenamed},
		{how == "unseen" || p.not == plan.RefusedNoAuthor, plan.RefusedNoAuthor},
		{pol.refuses == plan.RefusedDenied && p.actor.ID != "", plan.RefusedDenied},
		{p.not == plan.RefusedCustomer, plan.RefusedCustomer},
		{p.app && !pol.named, plan.RefusedApp},
		{p.not == plan.RefusedInactive, plan.RefusedInactive},
		{p.requester && !pol.selfIsFine, plan.RefusedRequester},
		{p.not == plan.RefusedUnclear && !pol.selfIsFine, plan.RefusedUnclear},
		{pol.refuses != "", pol.refuses},
		{(mode == access.ModeOnBehalf || pol.mapping) && p.looked.TraitUsers > 1 && p.teleport == "", plan.RefusedAmbiguous},
		{(mode == access.ModeOnBehalf || pol.mapping) && !mapped, plan.RefusedUnmapped},
		{place == "text edited", plan.RefusedText},
		{pol.late != "", pol.late},
	}
	for _, r := range reasons {
		if r.holds {
			return r.why
		}
	}
	return ""
}

// wanted is what has to be planned, in the words of brief. Another request's issue
// is never moved.
func wanted(p somebody, pol policy, mode access.ReviewMode, state access.State, place string, m cardMove) string {
	planned := strings.Split(wantedOnOwnIssue(p, pol, mode, state, place, m), ", ")
	if place == "another request's" {
		planned = slices.DeleteFunc(planned, func(step string) bool { return strings.HasPrefix(step, "move ") })
	}
	return strings.Join(planned, ", ")
}

func wantedOnOwnIssue(p somebody, pol policy, mode access.ReviewMode, state access.State, place string, m cardMove) string {
	asks := m.status == approved || m.status == denied
	if place == "another cluster" {
		return ""
	}
	if state != access.Pending {
		return wantedSettled(state, m, asks)
	}
	switch {
	case m.status == pending:
		return ""
	case m.how == "daemon" && (asks || m.status == expired) && place == "another project":
		return "refuse own_account"
	case m.how == "daemon" && (asks || m.status == expired):
		return "refuse own_account, move pending" // the request is pending: the daemon did not do that
	case asks:
		if place == "long-term" && m.status == denied {
			place = "usual" // only approving is impossible
		}
		why := refusalOf(p, pol, mode, place, m.how)
		switch why {
		case "":
			return map[access.Status]string{approved: "approved", denied: "denied"}[m.status] + " by " + p.actor.ID
		case plan.RefusedOtherProject:
			if place == "another project" {
				return "refuse foreign_project" // whose workflow is not ours to move in
			}
		case plan.RefusedText:
			return "refuse text_edited, move pending, restore 50"
		}
		return "refuse " + string(why) + ", move pending"
	case m.how != "person":
		return "move pending" // it never was pending
	case m.status == expired:
		return "refuse not_a_decision, move pending"
	}
	return "" // a status that nobody configured
}

// wantedSettled: nothing decides again, the card follows the request.
func wantedSettled(state access.State, m cardMove, asks bool) string {
	home := map[access.State]access.Status{
		access.Approved: approved, access.Promoted: approved, access.Denied: denied, access.Expired: expired,
	}[state]
	var words []string
	if asks && m.status != home && m.how == "person" {
		words = append(words, "refuse already_settled")
	}
	if m.status != home {
		words = append(words, "move "+string(state))
	}
	return strings.Join(append(words, "comment resolution/"+string(state)), ", ")
}

func TestDecisionMatrix(t *testing.T) {
	rows := 0
	for who, p := range people() {
		t.Run(who, func(t *testing.T) {
			for polName, pol := range policies() {
				for _, mode := range []access.ReviewMode{access.ModeReview, access.ModeOnBehalf, access.ModeState} {
					for _, state := range []access.State{access.Pending, access.Approved, access.Denied, access.Promoted, access.Expired} {
						for _, place := range places {
							for _, m := range cardMoves() {
								row := fmt.Sprintf("%s, %s, %s, %s, card in %s by %s", polName, mode, state, place, m.status.Name, m.how)
								s, v := matrixView(p, pol, mode, state, place, m)
								checkRow(t, row, s, v, wanted(p, pol, mode, state, place, m))
								rows++
							}
						}
					}
				}
			}
		})
	}
	require.Greater(t, rows, 20_000)
}

func matrixView(p somebody, pol policy, mode access.ReviewMode, state access.State, place string, m cardMove) (plan.Policy, plan.Snapshot) {
	s := settings()
	s.Review.Mode = mode
	if p.teleport != "" {
		s.Review.Users = map[string]string{p.actor.ID: p.teleport}
	}
	by := &p.actor
	switch m.how {
	case "daemon":
		by = &self
	case "unseen":
		by = nil
	}
	looked := p.looked
	v := plan.Snapshot{
		ID: "r1", Record: record(), Issue: issue(m.status, by), Person: &looked, Self: self, Reviewer: "bot",
		Now: now.Add(2 * 24 * 3600e9), // after the request's end
	}
	if p.account {
		v.Record.RequesterAccount = p.actor.ID
	}
	if place == "another cluster" {
		v.Cluster, v.Issue.Cluster = "here", "there"
	}
	if place == "text edited" {
		v.Issue.TextEdits = []access.TextEdit{{ID: "50", By: alice, At: now}}
	}
	if state != access.Expired {
		v.Request = request(state)
		v.Request.LongTerm = place == "long-term"
	}
	switch {
	case place == "another project":
		v.Issue.Project = "EVIL"
	case place == "moved in another project" && v.Issue.LastChange != nil:
		v.Issue.LastChange.Project = "EVIL"
	}
	if place == "another request's" {
		v.Issue.RequestID = "r2"
	}
	if v.Issue.LastChange != nil {
		changeHistory(place, &v)
	}
	if v.Request != nil {
		pol.set(&s, &v, p)
	}
	return s, v
}

// changeHistory makes the newest change, and what stands around it, as the place
// says.
func changeHistory(place string, v *plan.Snapshot) {
	last := v.Issue.LastChange
	switch place {
	case "moved before the request":
		last.At = now.Add(-24 * time.Hour)
	case "moved as clocks differ":
		last.At, v.Issue.Created = request(access.Pending).Created.Add(-2*time.Minute), now.Add(-24*time.Hour)
	case "status renamed":
		last.To.Name = "In Review"
	case "status translated":
		last.To.Name, v.Issue.StatusNameSince = "Genehmigt", last.At.Add(-time.Hour)
	case "type changed":
		last.TypeChanged = true
	case "history with a gap":
		v.Issue.Changes = append(v.Issue.Changes, access.StatusChange{
			ID: "70", By: alice, From: pending, To: expired, At: last.At.Add(-time.Second), Project: "TAR",
		})
	case "text explained":
		explain(v, last.At.Add(-time.Second))
	}
	v.Issue.Changes[0] = *last
}

// explain has an edit of the text answered by the daemon's comment at a time.
func explain(v *plan.Snapshot, at time.Time) {
	v.Issue.TextEdits = []access.TextEdit{{ID: "50", By: alice, At: at.Add(-time.Minute)}}
	v.Issue.Comments = append(v.Issue.Comments, access.Comment{
		Author: self, Created: at, Body: "This is what the request is for, whatever the issue says: root.",
	})
	v.Record.TextConfirmed, v.TextLeft = "50", "50"
}

// checkRow checks the plan, that a decision is answered as the threshold says,
// and that none of it happens again when the same change is seen again.
func checkRow(t *testing.T, row string, s plan.Policy, v plan.Snapshot, want string) {
	t.Helper()
	steps := s.Plan(v)
	require.Equal(t, want, brief(steps), row)
	if len(steps) == 0 {
		return
	}
	answered := answers(steps)
	if d, ok := steps[0].Do.(plan.Decide); ok {
		steps = checkThresholds(t, row, s, v, d.Decision)
	}
	if answered {
		v.Record = steps[len(steps)-1].Then
		require.False(t, answers(s.Plan(v)), "%s: the same change twice: %s", row, brief(s.Plan(v)))
	}
}

// answers tells whether a person is answered by the steps.
func answers(steps []plan.Step) bool {
	return slices.ContainsFunc(steps, func(step plan.Step) bool {
		switch step.Do.(type) {
		case plan.Decide, plan.Refuse:
			return true
		}
		return false
	})
}

// checkThresholds plays Teleport's answer with one and with two reviews needed.
func checkThresholds(t *testing.T, row string, s plan.Policy, v plan.Snapshot, d access.Decision) []plan.Step {
	t.Helper()
	require.Equal(t, v.Issue.LastChange.By, d.By, row)
	var steps []plan.Step
	for _, needed := range []int{1, 2} {
		after := *v.Request
		after.Thresholds = []access.Threshold{{Approve: needed, Deny: needed}}
		if s.Review.Mode != access.ModeState {
			after.Reviews = []access.Review{{Author: "bot", State: d.State, Reason: d.Token()}}
		}
		if needed == 1 || s.Review.Mode == access.ModeState {
			after.State = d.State
		}
		steps = s.AfterDecision(v, d, access.Outcome{Result: access.Submitted, Mode: s.Review.Mode, Request: &after})
		want := []string{"comment resolution/" + string(d.State)} // one, whatever the mode
		if after.State == access.Pending {
			want = []string{"comment move/77", "move pending"}
			require.Contains(t, texts(steps), "1 of 2 ", row)
		}
		require.Equal(t, strings.Join(want, ", "), brief(steps), row)
		require.Equal(t, "77", steps[len(steps)-1].Then.HandledChange, row)
	}
	return steps
}
