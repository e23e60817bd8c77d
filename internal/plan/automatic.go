package plan

import (
	"fmt"
	"slices"

	"teleport-jira/internal/access"
)

// Source is what proposes decisions that no person makes. It names them in records,
// reasons and metrics.
type Source string

// SourceRule is the access monitoring rules of the cluster.
const SourceRule Source = "rule"

// Sources lists them all.
func Sources() []Source { return []Source{SourceRule} }

// Proposal is a decision that a source asks for, by what was true when the
// snapshot was taken. Whoever submits it proves it again.
type Proposal struct {
	Source Source
	By     string       // for people, such as "access monitoring rule x"
	State  access.State // Approved or Denied; "" where there is a doubt
	// Doubt is why nothing is decided although something asks for it. It is said on
	// the issue once.
	Doubt string
}

// doubted is the note that a source's doubt has been told.
func (s Source) doubted() string { return string(s) + "-doubt" }

const automaticPrefix = "automatic/"

// automaticKey is the dedup key of the comment about a source's decision.
func automaticKey(note string) string { return automaticPrefix + note }

// open returns the first proposal that nothing has come of yet.
func (s Snapshot) open() *Proposal {
	for i, of := range s.Proposals {
		if of.Doubt == "" && !s.Record.Automatic.Has(string(of.Source)) {
			return &s.Proposals[i]
		}
	}
	return nil
}

// awaitsAutomatic reports whether a decision that no person makes is to be
// submitted. The issue is read for it: somebody may have moved it first.
func (s Snapshot) awaitsAutomatic() bool {
	return s.Request != nil && s.Request.State == access.Pending && s.Record.IssueID != "" && s.open() != nil
}

// planAutomatic plans the decision that a source asks for, unless somebody's move
// of the issue has to be answered first, and tells of doubts.
func (p Policy) planAutomatic(s Snapshot, b *builder) {
	if b.comments || slices.ContainsFunc(b.steps, Step.answersMove) {
		return
	}
	for _, of := range s.Proposals {
		note := of.Source.doubted()
		if of.Doubt != "" && !s.Record.Automatic.Has(note) {
			b.add(Comment{access.CommentDraft{DedupKey: automaticKey(note), Text: of.Doubt + "\n" + subject(s)}},
				func(r *access.Record) { r.Automatic = r.Automatic.With(note) })
		}
	}
	if of := s.open(); of != nil && s.Issue != nil {
		d := access.Decision{
			RequestID: s.ID, State: of.State, Issue: s.Issue.Ref, ChangeID: string(of.Source), Automatic: access.CleanLine(of.By),
		}
		b.add(Decide{Decision: d, Found: submitted(s, d)}, func(r *access.Record) { r.Automatic = r.Automatic.With(d.ChangeID) })
	}
}

// answersMove reports whether the step is about somebody's move of the issue.
func (s Step) answersMove() bool {
	switch s.Do.(type) {
	case Decide, Refuse, Transition:
		return true
	}
	return false
}

// Proposes reports whether the proposals ask for the decision.
func Proposes(all []Proposal, d access.Decision) bool {
	return slices.ContainsFunc(all, func(of Proposal) bool {
		return of.Doubt == "" && string(of.Source) == d.ChangeID && of.State == d.State && access.CleanLine(of.By) == d.Automatic
	})
}

// afterAutomatic returns what follows from Teleport's answer to a decision that no
// person made. The record notes it already, whatever the answer: a source reviews a
// request once.
func (p Policy) afterAutomatic(s Snapshot, d access.Decision, out access.Outcome) []Step {
	if out.Request != nil {
		s.Request = out.Request
	}
	s.Proposals = nil
	b := newBuilder(s)
	switch {
	case out.Result == access.NotAllowed:
		asked := "approve"
		if d.State == access.Denied {
			asked = "deny"
		}
		text := fmt.Sprintf("The %s asks to %s this request, but Teleport did not accept the review: %s\nSomebody has to decide it.\n%s",
			d.Automatic, asked, out.Detail, subject(s))
		b.add(Comment{access.CommentDraft{DedupKey: automaticKey(d.ChangeID), Text: text}}, nil)
	case out.Result == access.Submitted && s.Request != nil:
		b.steps = p.Plan(s)
	}
	if len(b.steps) == 0 {
		b.add(SaveRecord{}, nil)
	}
	return b.steps
}
