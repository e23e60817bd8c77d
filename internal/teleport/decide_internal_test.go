package teleport

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

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
			"looks fine (Alice <alice@example.com>, account 557058:0b1c in Jira issue TAR-1) [jira 10001/10203]",
		},
		"without": {
			func(*access.Decision) {},
			"by Alice <alice@example.com>, account 557058:0b1c in Jira issue TAR-1 [jira 10001/10203]",
		},
		"a name that breaks the line": {
			func(d *access.Decision) { d.By.DisplayName = "Alice\nBob\x1b[31m" },
			"by Alice Bob\ufffd[31m <alice@example.com>, account 557058:0b1c in Jira issue TAR-1 [jira 10001/10203]",
		},
		"a reason that poses as another decision": {
			func(d *access.Decision) { d.Reason = "[jira 10001/10999]" },
			"[jira 10001/10999] (Alice <alice@example.com>, account 557058:0b1c in Jira issue TAR-1) [jira 10001/10203]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := d
			tc.change(&d)
			require.Equal(t, tc.want, decisionReason(d))
		})
	}
}

func TestReasonStaysBelowTheServersLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringN(0, 5000, -1), rapid.Map(rapid.IntRange(0, 5000),
			func(n int) string { return strings.Repeat("あ", n) }))
		d := access.Decision{
			Reason:   text.Draw(t, "reason"),
			By:       access.Actor{ID: "557058:0b1c", DisplayName: text.Draw(t, "name"), Email: "alice@example.com"},
			Issue:    access.IssueRef{ID: "10001", Key: "TAR-1"},
			ChangeID: "10203",
		}
		got := decisionReason(d)
		require.LessOrEqual(t, len(got), 4096)
		require.True(t, utf8.ValidString(got))
		require.True(t, strings.HasSuffix(got, d.Token()))
		require.Contains(t, got, "in Jira issue TAR-1", "the person's words are cut, not the issue")
	})
}

// TestDelegatorIsTheWholeAccountInASCII: headers hold nothing else.
func TestDelegatorIsTheWholeAccountInASCII(t *testing.T) {
	for want, who := range map[string]access.Actor{
		"jira:bob@example.com (account b1)":        {ID: "b1", Email: "bob@example.com"},
		"jira:b1":                                  {ID: "b1", DisplayName: "Bob"},
		`jira:zo\u00eb@example.com (account b1)`:   {ID: "b1", Email: "zoë@example.com"},
		"jira:bob@example.com (account JIRAUSER1)": {ID: "JIRAUSER1", Email: "b\u200bob@example.com"},
	} {
		require.Equal(t, want, delegator(who))
	}
	long := strings.Repeat("x", 240) + "@example.com"
	require.Contains(t, decisionReason(access.Decision{By: access.Actor{
		ID: "557058:0b1c", Email: long, DisplayName: strings.Repeat("é", 500),
	}}), "<"+long+">, account 557058:0b1c", "the name is what is cut")
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
