package jira

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// hostile draws text that means much in wiki markup.
func hostile() *rapid.Generator[string] {
	parts := rapid.SampledFrom([]string{
		"*", "_", "{", "}", "[", "]", "|", "!", "h1. ", "bq. ", "# ", "* ", "----", "~", "^", "+", "-", "\n", "\n\n", " ", "a", "B", "7",
		"{code}", "[x|http://evil.example]", "!http://x/i.png!", "{color:red}", "||", "https://evil.example", ":)", "\\", "{quote}", "&amp;",
	})
	return rapid.Map(rapid.SliceOfN(parts, 1, 12), func(p []string) string { return strings.Join(p, "") })
}

// TestDescriptionHoldsNoMarkupButItsOwn lets pandoc, an independent parser, read
// descriptions of requests in which everything that people type is hostile.
func TestDescriptionHoldsNoMarkupButItsOwn(t *testing.T) {
	if _, err := exec.LookPath("pandoc"); err != nil {
		t.Skip("pandoc is not installed: the independent check of descriptions is skipped")
	}
	const link = "https://teleport.example.com/web/requests/r1"
	var doc strings.Builder
	const n = 60
	for seed := range n {
		h := func(k int) string { return hostile().Example(seed*20 + k) }
		doc.WriteString(defaultDescription(templates.Data{
			ID: "r1", URL: link, User: h(1), Roles: []string{h(2), h(3)}, Reason: "w" + h(4), LoginHint: h(5),
			SuggestedReviewers: []string{h(6)}, Resources: []access.Resource{{Kind: h(7), Name: h(8)}, {Kind: "node", ID: h(9)}},
			Thresholds: []access.Threshold{{Name: h(10), Approve: 1, Deny: 1}}, Created: time.Unix(0, 0),
		}) + "\n\n")
	}
	cmd := exec.CommandContext(t.Context(), "pandoc", "-f", "jira", "-t", "json")
	cmd.Stdin = strings.NewReader(doc.String())
	out, err := cmd.Output()
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.NewDecoder(bytes.NewReader(out)).Decode(&tree))
	nodes := map[string]int{}
	links := map[string]int{}
	count(tree, nodes, links)
	for _, own := range []string{"Para", "Str", "Space", "LineBreak", "Strong", "BulletList", "Link", "SoftBreak"} {
		delete(nodes, own)
	}
	require.Equal(t, map[string]int{"BlockQuote": n}, nodes, "one frame each, which no reason leaves")
	require.Equal(t, map[string]int{link: n}, links)
}

// TestNothingThatIsTypedPushesTheFactsOut: every part has its own share.
func TestNothingThatIsTypedPushesTheFactsOut(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = strings.Repeat("{", 200)
	}
	d := templates.Data{
		ID: "r1", User: strings.Repeat("|", 5000), Roles: many, SuggestedReviewers: many, LoginHint: strings.Repeat("{", 9000),
		Reason: strings.Repeat("{quote}\n*Roles:* viewer\n", 5000), URL: "https://teleport.example.com/web/requests/r1",
	}
	for range 3000 {
		d.Resources = append(d.Resources, access.Resource{Kind: "node", Name: many[0]})
	}
	text := defaultDescription(d)
	require.LessOrEqual(t, utf8.RuneCountInString(text), maxText)
	require.Equal(t, 2, strings.Count(text, "{quote}")-strings.Count(text, `\{quote}`), "the frame opens and closes once")
	require.Equal(t, 3, strings.Count(text, " more"), "roles, resources and reviewers are counted")
	require.Contains(t, text, "*Resources (3000):*")
	require.Greater(t, strings.Index(text, "*Reason:*"), strings.Index(text, "*Suggested reviewers:*"), "the reason stands last")
	require.Equal(t, 1, strings.Count(text, "*Roles:*"))

	summary := defaultSummary(templates.Data{User: "alice", Roles: []string{"access-broker"}, Resources: d.Resources})
	require.LessOrEqual(t, len(summary), maxSummary)
	require.Contains(t, summary, "alice requested access-broker: node {{{")
	require.Contains(t, summary, "and 2999 more")
	small := []access.Resource{{Kind: "node", Name: "web-1"}, {Kind: "db", ID: "pg"}}
	require.Equal(t, "alice requested access-broker: node web-1, db pg",
		defaultSummary(templates.Data{User: "alice", Roles: []string{"access-broker"}, Resources: small}))
}

// count counts the nodes of a pandoc document by kind, and links by target.
func count(node any, kinds, links map[string]int) {
	switch v := node.(type) {
	case []any:
		for _, child := range v {
			count(child, kinds, links)
		}
	case map[string]any:
		if kind, ok := v["t"].(string); ok {
			kinds[kind]++
			if kind == "Link" {
				links[v["c"].([]any)[2].([]any)[0].(string)]++
			}
		}
		for _, child := range v {
			count(child, kinds, links)
		}
	}
}
