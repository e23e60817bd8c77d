package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// hostileParts mean something in wiki markup, or to who reads it.
func hostileParts() []string {
	return []string{
		"{", "}", "[", "]", "!", "|", "*", "_", "-", "+", "^", "~", "?", "#", `\`, "(", ")", ":", "&", "@", "<", ">", "'", `"`, "%", "$",
		"h1. ", "bq. ", "* ", "# ", "- ", "----", "--", "??", `\\`, "||", "{{", "}}", "{code}", "{noformat}", "{quote}", "{color:red}",
		"{panel:title=x}", "{anchor:x}", "[~bob]", "[^f.txt]", "[x|http://evil.example]", "!http://x/i.png!", "http://evil.example/z",
		"mailto:a@b.c", "file:///etc", ":)", ":D", "(!)", "(/)", "&lt;", "&#42;", "&bsol;", "<b>", "</script>", "a", "B", "7", "é", "日", " ",
	}
}

// hostile draws a text that people could type, with something in it.
func hostile(seed int, more ...string) string {
	parts := rapid.SliceOfN(rapid.SampledFrom(append(hostileParts(), more...)), 1, 12)
	return "t" + strings.TrimSpace(strings.Join(parts.Example(seed), "")) + "t"
}

// TestSecurityEverythingPeopleTypeIsInert makes requests, reviews, decisions
// and people of hostile texts only, and lets pandoc, an independent parser of
// the markup, read what the daemon wrote: every text comes back as it was
// typed, and there is no markup but the daemon's own.
func TestSecurityEverythingPeopleTypeIsInert(t *testing.T) {
	if _, err := exec.LookPath("pandoc"); err != nil {
		t.Skip("pandoc is not installed: the independent check of what is written is skipped")
	}
	w := newWorld(t)
	reader := faketeleport.Role{Name: "reads-nodes", ListResources: []string{types.KindNode}}
	w.cluster.PutRole(reader)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, reader.Name}})
	w.start()
	const rounds = 25
	var typed, documents []string
	type made struct{ id, issue string }
	var all []made
	for i := range rounds {
		say := func(k int, more ...string) string {
			text := hostile(100*i+k, more...)
			typed = append(typed, text)
			return text
		}
		user, reviewer := say(1), say(2)
		for _, name := range []string{user, reviewer} {
			w.cluster.PutUser(faketeleport.User{Name: name, Roles: []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}})
		}
		node := fmt.Sprintf("node-%d", i)
		require.NoError(t, w.cluster.AddNode(node, say(3)))
		req, err := w.cluster.CreateRequest(user, []string{say(4)}, say(5, "\n", "\n\n"), faketeleport.RequestOptions{
			Thresholds:         []types.AccessReviewThreshold{{Name: say(6), Approve: 2, Deny: 2}},
			SuggestedReviewers: []string{say(7)},
			Resources:          []types.ResourceID{{ClusterName: "example.com", Kind: types.KindNode, Name: node}},
		})
		require.NoError(t, err)
		issue := w.issue(req.GetName())
		require.NotContains(t, issue.Summary, "\n")
		require.Contains(t, issue.Summary, oneBlank(user)+" requested ")
		w.review(req.GetName(), reviewer, types.RequestState_APPROVED, say(8, "\n"))

		require.NoError(t, w.jira.ChangeAccount(fakejira.CarolID, func(a *fakejira.Account) {
			a.DisplayName = strings.NewReplacer("<", "", ">", "").Replace(say(9))
			typed[len(typed)-1] = a.DisplayName
		}))
		w.says(issue, fakejira.CarolID, "reason: "+say(10))
		typed = typed[:len(typed)-1] // what Jira's editors make of links is undone in it
		w.drag(issue, "Denied", fakejira.CarolID)
		eventually(t, func(c *assert.CollectT) {
			require.Len(c, w.read(issue.ID).Comments, 3, "hers, a review, and one on what came of hers")
		})
		all = append(all, made{req.GetName(), issue.ID})
	}
	own := 0
	for _, m := range all {
		issue := w.read(m.issue)
		documents = append(documents, issue.Description)
		for _, c := range issue.Comments {
			if c.Author == fakejira.BotID {
				documents = append(documents, c.Body)
				own++
			}
		}
	}
	require.Equal(t, 2*rounds, own)
	text, kinds, links := readMarkup(t, strings.Join(documents, "\n\n"))
	for _, want := range typed {
		require.Contains(t, text, oneBlank(strings.ReplaceAll(want, "&#126;", "~")))
	}
	for _, kind := range []string{"Para", "Plain", "Str", "Space", "LineBreak", "SoftBreak", "Strong", "BulletList", "Link", "BlockQuote"} {
		delete(kinds, kind)
	}
	require.Empty(t, kinds, "markup that is not the daemon's")
	for _, m := range all {
		require.Equal(t, 1, links["https://"+strings.TrimSuffix(proxy, ":443")+"/web/requests/"+m.id]+links["https://"+proxy+"/web/requests/"+m.id], links)
	}
	require.Len(t, links, rounds, "links that are not the daemon's")
}

// oneBlank is text as far as a reader can tell: runs of blanks count once.
func oneBlank(text string) string { return strings.Join(strings.Fields(text), " ") }

// readMarkup gives a document's text, its nodes by kind, and its links by
// target, as pandoc reads them. Pandoc shows &#126; where Jira shows a tilde.
func readMarkup(t *testing.T, doc string) (text string, kinds, links map[string]int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "pandoc", "-f", "jira", "-t", "json")
	cmd.Stdin = strings.NewReader(doc)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var tree struct{ Blocks any }
	require.NoError(t, json.Unmarshal(out, &tree))
	kinds, links = map[string]int{}, map[string]int{}
	var b strings.Builder
	var walk func(node any)
	walk = func(node any) {
		switch v := node.(type) {
		case []any:
			for _, child := range v {
				walk(child)
			}
		case map[string]any:
			kind, _ := v["t"].(string)
			kinds[kind]++
			content := v["c"]
			switch kind {
			case "Str":
				b.WriteString(content.(string))
			case "Space", "LineBreak", "SoftBreak", "Para", "Plain":
				b.WriteString(" ")
			case "Link":
				parts := content.([]any)
				links[parts[2].([]any)[0].(string)]++
				content = parts[1]
			}
			walk(content)
		}
	}
	walk(tree.Blocks)
	return oneBlank(strings.ReplaceAll(b.String(), "&#126;", "~")), kinds, links
}

func TestWhatPeopleTypedIsInert(t *testing.T) {
	w := newWorld(t)
	w.start()
	hostile := "h1. Approved {color:red}by *root*{color} !http://evil.example/x.png! [click|http://evil.example] @bob"
	req, err := w.cluster.CreateRequest(alice, []string{"dba"}, hostile, faketeleport.RequestOptions{})
	require.NoError(t, err)
	issue := w.issue(req.GetName())
	require.Contains(t, plain(issue.Description), hostile, "the text is there")
	require.NotRegexp(t, `(?m)^h1\.|[^\\](\{color|\*root|!|\[click|@bob)`, reasonOf(issue))

	w.review(req.GetName(), bob, types.RequestState_DENIED, "{panel}no *way*{panel}")
	w.said(issue, "Reason: {panel}no *way*{panel}", "has been denied")
	for _, c := range w.read(issue.ID).Comments {
		require.NotRegexp(t, `[^\\](\{panel|\*way)`, c.Body)
	}
}

// reasonOf is the last part of a description: what the requester typed.
func reasonOf(issue fakejira.Issue) string {
	_, reason, _ := strings.Cut(issue.Description, "*Reason:*\n")
	return strings.Trim(reason, "{quote}\n")
}
