package templates

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinkTargetsAreAddresses(t *testing.T) {
	for raw, want := range map[string]string{
		"https://x.y/a|b]{c} d": "https://x.y/a%7Cb%5D%7Bc%7D%20d",
		"javascript:alert(1)":   "",
		"https:///nohost":       "",
		"":                      "",
	} {
		require.Equal(t, want, SafeURL(raw))
	}
}

func TestLinkOfATemplateIsInertButForItsTarget(t *testing.T) {
	tmpl, err := Parse("description", `{{link .User .URL}} {{link .User "javascript:x"}} {{.User | printf "%s!"}}`, Wiki)
	require.NoError(t, err)
	out, err := Execute(tmpl, Data{User: "a]|b", URL: "https://x.y/|"})
	require.NoError(t, err)
	require.Equal(t, `[a\]&vert;b|https://x.y/%7C] a\]&vert;b a\]&vert;b\!`, out)
	tmpl, err = Parse("fields.x", `{{.User}} {{wiki .User}}`, Plain)
	require.NoError(t, err)
	out, err = Execute(tmpl, Data{User: "[x]"})
	require.NoError(t, err)
	require.Equal(t, `[x] \[x\]`, out)
	_, err = Parse("summary", `{{link .User .URL}}`, Plain)
	require.ErrorContains(t, err, "link")
}

func TestMistakesAreFoundBeforeTheyMatter(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		format Format
		want   string
	}{
		"no field":            {"{{.Nope}}", Plain, "line 1: <.Nope>: can't evaluate field Nope"},
		"on another line":     {"{{.User}}\n{{.ID.Nope}}", Wiki, "line 2: <.ID.Nope>: can't evaluate field Nope"},
		"where true":          {"{{if .LongTerm}}{{.Nope}}{{end}}", Plain, "line 1: <.Nope>: can't evaluate field Nope"},
		"where false":         {"{{if .LongTerm}}{{else}}{{.Nope}}{{end}}", Plain, "line 1: <.Nope>: can't evaluate field Nope"},
		"within a list":       {"{{range .Resources}}{{.Nope}}{{end}}", Plain, "line 1: <.Nope>: can't evaluate field Nope"},
		"no function":         {"{{nofunc .User}}", Plain, `line 1: function "nofunc" not defined`},
		"function elsewhere":  {"{{link .User .URL}}", Plain, `line 1: function "link" not defined`},
		"wrong argument":      {"{{join .User}}", Plain, "line 1: <join>: wrong number of args for join: want 2 got 1"},
		"syntax":              {"{{.User", Plain, "line 1: unclosed action"},
		"template not given":  {`{{template "x"}}`, Plain, `line 1: <{{template "x"}}>: template "x" not defined`},
		"fails for some":      {"{{index .Roles 0}} {{slice .ID 0 8}}", Plain, ""},
		"never has that many": {"{{index .Roles 3}}", Plain, ""},
		"no such annotation":  {"{{index .Annotations.team 0}}", Plain, ""},
		"everything in order": {`{{join .Roles "+"}} {{date .Created}} {{link "x" .URL}} {{wiki .User}} {{with .Annotations.team}}{{index . 0}}{{end}}`, Wiki, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("jira.issue.summary", tc.text, tc.format)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tc.want, e.Plainly())
		})
	}
}
