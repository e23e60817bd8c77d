package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDefencesAreShownByTestsThatExist: docs/security.md names tests.
func TestDefencesAreShownByTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(named), 30)
	var code strings.Builder
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(filepath.Clean(path))
		code.Write(source)
		return err
	}))
	for _, name := range named {
		if !strings.Contains(code.String(), "func "+name[1]+"(") { // the whole source is no message
			t.Errorf("docs/security.md names %s, which is no test", name[1])
		}
	}
}
