package setup

import (
	"fmt"
	"strings"
)

// ByHand returns what an administrator does where there is no API for it, in order.
func ByHand(w Want) []string {
	names := make([]string, 0, len(w.Statuses.list()))
	for _, s := range w.Statuses.list() {
		names = append(names, s.Name)
	}
	steps := []string{
		fmt.Sprintf("Administration > Issues > Issue types: add %q, unless it is there.", w.IssueType),
		fmt.Sprintf("Administration > Issues > Statuses: add %s, as far as they are not there.", strings.Join(names, ", ")),
		fmt.Sprintf("Administration > Issues > Workflows > Add workflow %q: the first step is %s.", w.scheme(), w.Statuses.Pending),
	}
	for _, m := range w.Statuses.moves() {
		step := fmt.Sprintf("In it add the transition %q from %s to %s", m.name, strings.Join(m.from, " and from "), m.to)
		switch {
		case m.by == theDaemon:
			step += fmt.Sprintf("; condition: Only users in project role, one that the account %s alone has.", w.Daemon)
		case m.by == deciders && w.restricted():
			step += fmt.Sprintf("; condition: whom [review] lets decide (%s), or the account %s.", strings.Join(append(append([]string{}, w.People...), w.Groups...), ", "), w.Daemon)
		default:
			step += ", without a condition."
		}
		steps = append(steps, step)
	}
	return append(steps,
		fmt.Sprintf("Workflow schemes > Add %q with this workflow for %q.", w.scheme(), w.IssueType),
		fmt.Sprintf("Projects > Create project with the key %s, and give it this workflow scheme.", w.Project),
		fmt.Sprintf("Project settings > Permissions: Browse Projects, Transition Issues and Add Comments for whoever decides; the account %s also Create Issues and Edit Issues, which nobody else needs.", w.Daemon),
		"Board > Configure > Columns: a column for each status.",
	)
}
