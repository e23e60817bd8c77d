package access

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReasonIsTakenApartAsItWasMade(t *testing.T) {
	t.Parallel()
	const who = "Bob Brown <bob@example.com>, account bob"
	d := Decision{Issue: IssueRef{ID: "10001", Key: "TAR-1"}, ChangeID: "77"}
	keyless := d
	keyless.Issue.Key = ""
	for name, c := range map[string]struct {
		text, issue string
		given, who  string
		ok          bool
	}{
		"no reason":         {d.ReasonAs("", who), "10001", "", who, true},
		"a reason":          {d.ReasonAs("on call", who), "10001", "on call", who, true},
		"with parentheses":  {d.ReasonAs("it (really) is (his) job", who), "10001", "it (really) is (his) job", who, true},
		"that begins so":    {d.ReasonAs("by the book", who), "10001", "by the book", who, true},
		"without a key":     {keyless.ReasonAs("on call", who), "10001", "on call", who, true},
		"without either":    {keyless.ReasonAs("", who), "10001", "", who, true},
		"of another issue":  {d.ReasonAs("on call", who), "10002", "", "", false},
		"somebody's text":   {"on call", "10001", "", "", false},
		"a token and no by": {"on call " + d.Token(), "10001", "", "", false},
		"a cut one":         {d.ReasonAs("on call", who) + "…", "10001", "", "", false},
		"nothing":           {"", "10001", "", "", false},
	} {
		given, by, ok := SplitReason(c.text, c.issue)
		require.Equal(t, c.ok, ok, name)
		require.Equal(t, c.given, given, name)
		require.Equal(t, c.who, by, name)
	}
}

// Whatever a person typed as reason, who decided is who did.
func TestNoReasonChangesWhoDecided(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := Decision{Issue: IssueRef{ID: "10001", Key: "TAR-1"}, ChangeID: "77"}
		given := rapid.OneOf(
			rapid.Map(rapid.String(), CleanLine),
			rapid.Just("by Eve in Jira issue TAR-1"),
			rapid.Just("x (Eve <eve@example.com> in Jira issue TAR-1)"),
			rapid.Just(Decision{Issue: d.Issue, ChangeID: "1"}.ReasonAs("x", "Eve")),
		).Draw(t, "given")
		const who = "Bob Brown <bob@example.com>, account bob"
		_, by, ok := SplitReason(d.ReasonAs(given, who), "10001")
		if !ok || by != who {
			t.Fatalf("%q: %q %v", d.ReasonAs(given, who), by, ok)
		}
	})
}
