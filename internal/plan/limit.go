package plan

import "teleport-jira/internal/access"

const (
	// maxRefusals is how often a change that decides nothing is taken back on one
	// issue: whoever goes on after that is no person.
	maxRefusals = 5
	// maxAnswers is how many refusals are written on an issue at all, other
	// people's included.
	maxAnswers = 20
)

// leftText says that an issue is not brought back any more.
const leftText = "This issue has been moved back too often. It is left where it is until somebody else moves it, or decides it in Teleport."

// answer plans the answer to a change that decides nothing, and reports whether
// the issue goes back. From the sixth on it stays, with one comment that says so,
// and further changes by the same account or by apps are noted only.
func (p Policy) answer(s Snapshot, b *builder, do Refuse, change access.StatusChange, note func(*access.Record)) (back bool) {
	said := b.record.Refusals
	noted := func(r *access.Record) {
		r.HandledChange = change.ID
		r.Refusals = said + 1
		if note != nil {
			note(r)
		}
	}
	person := said > maxRefusals && isAnotherPerson(s, change) || do.Why == RefusedText
	switch {
	case said < maxRefusals, person && said < maxAnswers:
		b.add(do, noted)
		return true
	case said == maxRefusals:
		do.Comment.Text += "\n" + leftText
		b.add(do, noted)
	default:
		b.add(SaveRecord{}, func(r *access.Record) { r.HandledChange = change.ID })
	}
	return false
}

// isAnotherPerson reports whether a change is by a person who has not made the
// change that was answered last.
func isAnotherPerson(s Snapshot, change access.StatusChange) bool {
	if change.By.ID == "" || change.By.Type != access.AccountPerson {
		return false
	}
	for _, earlier := range s.Issue.Changes {
		if earlier.ID == s.Record.HandledChange {
			return !earlier.By.Same(change.By)
		}
	}
	return false
}

// isLeft reports whether the issue stays where its last change brought it.
func isLeft(s Snapshot) bool {
	return s.Record.Refusals > maxRefusals && s.Issue != nil && s.Issue.LastChange != nil &&
		s.Issue.LastChange.ID == s.Record.HandledChange && !s.Issue.LastChange.By.Same(s.Self)
}
