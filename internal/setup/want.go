// Package setup makes in Jira what the daemon needs: a project of its own with a
// workflow in which only the wanted moves exist, and a board. The plan is a pure
// function of what is wanted and what is there; nothing is changed before somebody
// has read it. What it did not make it never touches.
//
// Calls are those of Jira Cloud's platform REST API, version 2, and, for the board, of
// the Jira Software API. Data Center has no API for workflows.
package setup

import (
	"fmt"
	"slices"
)

// Want is what a configuration needs of Jira.
type Want struct {
	Project   string // key
	IssueType string // name
	Statuses  Statuses
	// Daemon is the account that the daemon works as; People and Groups are the ids of
	// whom the workflow lets decide. With neither everybody may who may move issues.
	Daemon         string
	People, Groups []string
}

// Statuses are the names of the statuses by meaning; "" where there is none.
type Statuses struct {
	Pending, Approved, Denied, Expired, Promoted, Ended, Revoked string
}

// Category is how Jira groups statuses, and boards their columns.
type Category string

// The categories, as Jira's API writes them.
const (
	ToDo       Category = "TODO"
	InProgress Category = "IN_PROGRESS"
	Done       Category = "DONE"
)

// Status is one to be in the workflow.
type Status struct {
	Name     string
	Category Category
}

// list returns the statuses, each once, in the order of the board's columns.
func (s Statuses) list() []Status {
	all := []Status{
		{s.Pending, ToDo},
		{s.Approved, InProgress},
		{s.Promoted, InProgress},
		{s.Denied, Done},
		{s.Expired, Done},
		{s.Ended, Done},
		{s.Revoked, Done},
	}
	var out []Status
	for _, status := range all {
		if status.Name != "" && !slices.ContainsFunc(out, func(o Status) bool { return o.Name == status.Name }) {
			out = append(out, status)
		}
	}
	return out
}

// who may make a move.
type who int

const (
	theDaemon who = iota
	deciders
	everybody
)

// move is a transition of the workflow.
type move struct {
	name string
	from []string
	to   string
	by   who
}

// moves returns all that may happen to an issue: people decide what is pending and
// end what is approved, and the daemon shows what Teleport says, or puts a card back.
func (s Statuses) moves() []move {
	all := []move{
		{"Approve", []string{s.Pending}, s.Approved, deciders},
		{"Deny", []string{s.Pending}, s.Denied, deciders},
		{"Expire", []string{s.Pending}, s.Expired, theDaemon},
		{"Promote", []string{s.Pending}, s.Promoted, theDaemon},
		{"Back to " + s.Pending, []string{s.Approved, s.Denied, s.Expired, s.Promoted}, s.Pending, theDaemon},
		{"End", []string{s.Approved, s.Revoked}, s.Ended, theDaemon},
		{"Revoke", []string{s.Approved}, s.Revoked, everybody},
		{"Back to " + s.Approved, []string{s.Revoked}, s.Approved, theDaemon},
	}
	var out []move
	for _, m := range all {
		if m.name == "Promote" && s.Promoted == s.Approved {
			continue
		}
		var from []string
		for _, f := range m.from {
			if f != "" && f != m.to && !slices.Contains(from, f) {
				from = append(from, f)
			}
		}
		if m.to != "" && len(from) > 0 {
			m.from = from
			out = append(out, m)
		}
	}
	return out
}

// Names of what is made, by which it is found again.
func (w Want) scheme() string { return "teleport-jira " + w.Project }
func (w Want) board() string  { return fmt.Sprintf("Access Requests (%s)", w.Project) }
