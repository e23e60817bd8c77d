package teleport

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"teleport-jira/internal/access"
)

func TestReasonNamesPersonAndIssue(t *testing.T) {
	d := access.Decision{
		By:       access.Actor{ID: "557058:0b1c", DisplayName: "Alice", Email: "alice@example.com"},
		Issue:    access.IssueRef{ID: "10001", Key: "TAR-1"},
		ChangeID: "10203",
	}
	for name, tc := range map[string]struct {
		change func(*access.Decision)
		want   string
	}{
		"with a reason": {
			func(d *access.Decision) { d.Reason = " looks fine\n" },
			"looks fine (Alice <alice@example.com> in Jira issue TAR-1) [jira 10001/10203]",
		},
		"without": {
			func(*access.Decision) {},
			"by Alice <alice@example.com> in Jira issue TAR-1 [jira 10001/10203]",
		},
		"a name that breaks the line": {
			func(d *access.Decision) { d.By.DisplayName = "Alice\nBob\x1b[31m" },
			"by Alice Bob [31m <alice@example.com> in Jira issue TAR-1 [jira 10001/10203]",
		},
		"a reason that poses as another decision": {
			func(d *access.Decision) { d.Reason = "[jira 10001/10999]" },
			"[jira 10001/10999] (Alice <alice@example.com> in Jira issue TAR-1) [jira 10001/10203]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := d
			tc.change(&d)
			require.Equal(t, tc.want, decisionReason(d))
		})
	}
	d.Reason = strings.Repeat("ä", 100_000)
	require.Less(t, len([]rune(decisionReason(d))), maxReason+3*maxPerson)
	require.True(t, strings.HasSuffix(decisionReason(d), d.Token()))
}

func TestOnBehalfFieldsTravelWithTheReview(t *testing.T) {
	review := types.AccessReview{Author: "alice", ProposedState: types.RequestState_APPROVED}
	review.XXX_unrecognized = onBehalfFields("jira-bot")
	wire, err := review.Marshal()
	require.NoError(t, err)

	var submittedBy string
	var onBehalf uint64
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		require.Positive(t, n)
		wire = wire[n:]
		switch number {
		case 11:
			submittedBy, _ = protowire.ConsumeString(wire)
		case 12:
			onBehalf, _ = protowire.ConsumeVarint(wire)
		}
		n = protowire.ConsumeFieldValue(number, kind, wire)
		require.Positive(t, n)
		wire = wire[n:]
	}
	require.Equal(t, "jira-bot", submittedBy)
	require.EqualValues(t, 1, onBehalf)
}
