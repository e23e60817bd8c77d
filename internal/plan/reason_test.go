package plan_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestParseReason(t *testing.T) {
	for body, want := range map[string]string{
		"":                                    "",
		"fine with me":                        "",
		"reason: on call":                     "on call",
		"Resolution: on call":                 "on call",
		"ok\r\nREASON :  on call  \r\nbye":    "on call",
		"reason:\non call\nand more":          "on call\nand more",
		"reason:\r\n\r\n  on call":            "on call",
		"*Reason:* on call":                   "on call",
		"no reason: at all":                   "",
		"reason:":                             "",
		"reason:\n\n":                         "",
		"unreasonable: x":                     "",
		"reason: first\nreason: second":       "first",
		"reason: a\u202eb\u200bc\x00":         "a\ufffdbc\ufffd",
		"reason: " + strings.Repeat("é", 3e3): strings.Repeat("é", plan.MaxReason-1) + "…",
	} {
		require.Equal(t, want, plan.ParseReason(body), "%.40q", body)
	}
}

func TestReasonIsThePersonsOwn(t *testing.T) {
	comments := []access.Comment{
		{Author: bob, Body: "reason: old"},
		{Author: bob, Body: "reason: mine"},
		{Author: bob, Body: "never mind"},
		{Author: alice, Body: "reason: somebody else's"},
		{Author: access.Actor{}, Body: "reason: nobody's"},
		{Author: bob, EditedBy: alice, Body: "reason: put into bob's mouth"},
	}
	require.Equal(t, "mine", plan.Reason(comments, bob))
	own := append(comments, access.Comment{Author: bob, EditedBy: bob, Body: "reason: corrected"})
	require.Equal(t, "corrected", plan.Reason(own, bob), "people may edit their own")
	require.Empty(t, plan.Reason(comments, access.Actor{DisplayName: "Bob"}), "an account without an id is nobody")
}

func FuzzParseReason(f *testing.F) {
	for _, seed := range []string{"reason: x", "resolution:\n\ny", "*reason*: z\r\n", "reason:\x00", "\xff reason: \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		reason := plan.ParseReason(body)
		require.LessOrEqual(t, utf8.RuneCountInString(reason), plan.MaxReason)
		require.Equal(t, strings.TrimSpace(reason), reason)
		if reason != "" {
			require.Contains(t, strings.ToLower(body), ":")
		}
	})
}
