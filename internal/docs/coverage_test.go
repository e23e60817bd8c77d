package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	teleportjira "teleport-jira"
	"teleport-jira/internal/config"
)

// documents are what operators and contributors read.
func documents(t *testing.T) []string {
	t.Helper()
	all := append(glob(t, "*.md"), slices.Concat(glob(t, "docs/*.md"), glob(t, "docs/adr/*.md"))...)
	require.Greater(t, len(all), 3)
	return all
}

// glob gives paths below the root.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	require.NoError(t, err)
	for i, path := range found {
		found[i], err = filepath.Rel(root, path)
		require.NoError(t, err)
	}
	return found
}

// keys are all configuration keys, and the tables they are in.
func keys(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, s := range sections(t) {
		all = append(all, strings.Trim(s.header, "[]"))
		for _, k := range s.keys {
			all = append(all, k.path)
		}
	}
	return all
}

func TestEveryConfigurationKeyIsInTheExample(t *testing.T) {
	for _, k := range keys(t) {
		leaf := k[strings.LastIndex(k, ".")+1:]
		if leaf == "addr" { // the example shows auth_server, the newer name
			continue
		}
		require.Regexp(t, `(?m)\b`+leaf+`\b`, teleportjira.ExampleConfig, k)
	}
}

// keyInText is a configuration key as prose names it.
var keyInText = regexp.MustCompile("`((?:teleport|jira|http|review|reconcile|telemetry|log)\\.[a-z_.]+)`")

func TestEveryConfigurationKeyInTheDocumentsExists(t *testing.T) {
	known := keys(t)
	for _, path := range documents(t) {
		for _, m := range keyInText.FindAllStringSubmatch(read(t, path), -1) {
			require.Contains(t, known, m[1], path)
		}
	}
}

// Fenced TOML that shows sections of the daemon's configuration must have keys
// that it knows. Values may be missing: that is for the examples of the manual.
func TestTomlInTheDocumentsHasKnownKeys(t *testing.T) {
	for _, path := range documents(t) {
		for _, rest := range strings.Split(read(t, path), "```toml\n")[1:] {
			block, _, _ := strings.Cut(rest, "```")
			_, err := config.Parse(path, []byte(block), config.Options{})
			if err != nil {
				require.NotContains(t, err.Error(), "unknown key", block)
			}
		}
	}
}

var (
	flagPattern    = regexp.MustCompile(`--[a-z][a-z-]+`)
	commandPattern = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)  +\S`)
	usagePattern   = regexp.MustCompile("(?m)(?:`|^    (?:sudo )?)teleport-jira ((?:setup )?[a-z]+)((?: [^`\n|>&;]*)?)")
)

// usage is what --help shows, which a test of the program holds to the truth.
func usage(t *testing.T) (commands, flags []string) {
	t.Helper()
	text := read(t, "cmd/teleport-jira/testdata/help.txtar")
	_, text, _ = strings.Cut(text, "\n-- help --\n")
	list, _, _ := strings.Cut(text, "\nFlags:")
	for _, m := range commandPattern.FindAllStringSubmatch(list, -1) {
		commands = append(commands, m[1])
	}
	require.Subset(t, commands, []string{"start", "check", "configure", "version"})
	flags = flagPattern.FindAllString(text, -1)
	slices.Sort(flags)
	return commands, slices.Compact(flags)
}

func TestEveryCommandAndFlagIsDocumented(t *testing.T) {
	var text strings.Builder
	for _, path := range documents(t) {
		text.WriteString(read(t, path))
	}
	commands, flags := usage(t)
	for _, c := range commands {
		require.True(t, c == "help" || strings.Contains(text.String(), "teleport-jira "+c), c)
	}
	for _, f := range flags {
		require.True(t, f == "--help" || strings.Contains(text.String(), f), f)
	}
}

func TestEveryCommandAndFlagInTheDocumentsExists(t *testing.T) {
	commands, flags := usage(t)
	for _, path := range documents(t) {
		for _, m := range usagePattern.FindAllStringSubmatch(read(t, path), -1) {
			require.Contains(t, commands, m[1], "%s: %s", path, m[0])
			for _, f := range flagPattern.FindAllString(m[2], -1) {
				require.Contains(t, flags, f, "%s: %s", path, m[0])
			}
		}
	}
}

// endpointInCode is how handlers are registered, endpointInText how the table
// of endpoints names them.
var (
	endpointInCode = regexp.MustCompile(`\.Handle(?:Func)?\("(?:GET )?(/[a-z]*)(?:\{\$\})?"`)
	endpointInText = regexp.MustCompile("(?m)^\\| `(?:GET|POST) (/[a-z]*)` \\|")
)

func TestEndpointsAreDocumentedAndThere(t *testing.T) {
	var inCode, inText []string
	for _, path := range []string{"internal/webhook/handler.go", "internal/server/admin.go"} {
		for _, m := range endpointInCode.FindAllStringSubmatch(read(t, path), -1) {
			inCode = append(inCode, m[1])
		}
	}
	for _, m := range endpointInText.FindAllStringSubmatch(read(t, operations), -1) {
		inText = append(inText, m[1])
	}
	require.Len(t, inCode, 6)
	require.ElementsMatch(t, inCode, inText)
}
