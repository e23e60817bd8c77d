package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const index = "docs/README.md"

var indexHeading = regexp.MustCompile(`(?m)^## (.*)$`)

// The index has what people ask as headings, and leads to every page.
func TestIndexAsksQuestionsAndLeadsToEveryPage(t *testing.T) {
	t.Parallel()
	text := read(t, index)
	headings := indexHeading.FindAllStringSubmatch(text, -1)
	require.GreaterOrEqual(t, len(headings), 4)
	for _, heading := range headings {
		require.Regexp(t, `(\?|…)$`, heading[1])
	}
	for _, page := range glob(t, "docs/*.md") {
		if page != index {
			require.Contains(t, text, "]("+filepath.Base(page), "%s does not lead to %s", index, page)
		}
	}
}

// What people set up once is described once; the other pages link to it.
func TestEachFactHasOneHome(t *testing.T) {
	t.Parallel()
	for fact, homes := range map[string][]string{
		"kind: role\n":                          {"docs/setup-teleport.md"},
		"auth sign --user":                      {"docs/setup-teleport.md"},
		"manage-profile/security/api-tokens":    {"docs/setup-jira-cloud.md"},
		"Personal Access Tokens":                {"docs/setup-jira-datacenter.md"},
		"Create a WebHook":                      {"docs/webhooks.md"},
		"openssl rand -hex 32 > webhook-secret": {"docs/webhooks.md"},
		"X-Hub-Signature":                       {"docs/webhooks.md"},
		"`.AssumeStart`":                        {"docs/issue-templates.md"},
		"api_token_file = \"":                   {"docs/deploy-docker.md", "docs/deploy-linux.md"}, // where each has it
		"install -m 600 -o teleport-jira identity /var/lib/teleport-jira/identity\n": {"docs/deploy-linux.md"},
	} {
		var found []string
		for _, path := range documents(t) {
			if strings.Contains(read(t, path), fact) {
				found = append(found, path)
			}
		}
		require.Equal(t, homes, found, fact)
	}
}
