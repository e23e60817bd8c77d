package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	fence    = regexp.MustCompile("(?s)```.*?```")
	mdLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeader = regexp.MustCompile(`(?m)^#+ (.*)$`)
	// notInAnchor is what a heading's anchor leaves out.
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors are the targets within a document, as GitHub makes them of headings.
func anchors(text string) []string {
	var out []string
	for _, header := range mdHeader.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		anchor := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(header[1])), "")
		out = append(out, strings.ReplaceAll(anchor, " ", "-"))
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, name := range documents(t) {
		file := filepath.Join(root, name)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range mdLink.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			path, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s links to %s", file, match[1])
			checked++
			if anchor == "" {
				continue
			}
			content, err := os.ReadFile(target)
			require.NoError(t, err)
			require.Contains(t, anchors(string(content)), anchor, "%s links to %s", file, match[1])
		}
	}
	require.Greater(t, checked, 20)
}
