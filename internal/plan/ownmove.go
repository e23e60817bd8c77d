package plan

import "teleport-jira/internal/access"

// RefusedOwnAccount is the refusal of a change that the daemon's own account made
// and the daemon did not.
const RefusedOwnAccount Refusal = "own_account"

const ownAccountText = "it was moved with the daemon's own account and not by the daemon. Somebody else may have its token, " +
	"or a rule runs as it: an administrator has to find out. Somebody who may decide the request can move the issue."

// planOwnMove answers a change of a pending request's issue by the daemon's own
// account. Into its own status for pending requests the daemon moves it, and by
// way of statuses that stand for nothing; never into one that stands for a
// settled request.
func (p Policy) planOwnMove(s Snapshot, b *builder, change access.StatusChange) {
	if change.ID != s.Record.HandledChange {
		p.planRefusal(s, b, RefusedOwnAccount, change)
	} else {
		b.add(p.transition(access.Pending), nil)
	}
}

// RefusesOwnMove reports whether the steps answer a change that the daemon's own
// account made. Another replica may have made it for a request that was settled
// a moment ago, so that it takes a second look, later, to be sure.
func RefusesOwnMove(steps []Step) (changeID string, ok bool) {
	return refusedFor(steps, RefusedOwnAccount)
}
