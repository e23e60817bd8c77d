package preflight_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/preflight"
)

func findings() []preflight.Finding {
	return []preflight.Finding{
		{Area: "teleport", Name: "version", Level: preflight.OK, Detail: "18.0.0"},
		{Area: "http", Name: "certificate", Level: preflight.Warning, Detail: "ends soon", Fix: "renew it"},
		{Area: "jira", Name: "login", Level: preflight.Failure, Detail: "says <no>\nok  jira  login: fine\x1b[2J", Fix: "a & b"},
		{Area: "jira", Name: "projects", Level: preflight.Skipped, Detail: "the login has to work first"},
	}
}

func TestTextIsOneLineAFinding(t *testing.T) {
	for name, tc := range map[string]struct {
		colours bool
		want    string
	}{
		"plain": {false, "ok       teleport  version: 18.0.0\n" +
			"warning  http      certificate: ends soon; to do: renew it\n" +
			"failure  jira      login: says <no> ok jira login: fine [2J; to do: a & b\n" +
			"skipped  jira      projects: the login has to work first\n" +
			"4 checks: 1 ok, 1 warning, 1 failure, 1 skipped\n"},
		"coloured": {true, "\x1b[32mok     \x1b[0m  teleport  version: 18.0.0\n" +
			"\x1b[33mwarning\x1b[0m  http      certificate: ends soon; to do: renew it\n" +
			"\x1b[31mfailure\x1b[0m  jira      login: says <no> ok jira login: fine [2J; to do: a & b\n" +
			"\x1b[33mskipped\x1b[0m  jira      projects: the login has to work first\n" +
			"4 checks: 1 ok, 1 warning, 1 failure, 1 skipped\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, preflight.WriteText(&out, findings(), tc.colours))
			require.Equal(t, tc.want, out.String())
		})
	}
}

func TestLastLineTellsWhatToThinkOfAll(t *testing.T) {
	for want, levels := range map[string][]preflight.Level{
		"all 2 checks passed\n":             {preflight.OK, preflight.OK},
		"3 checks: 1 ok, 2 warnings\n":      {preflight.OK, preflight.Warning, preflight.Warning},
		"3 checks: 2 failures, 1 skipped\n": {preflight.Failure, preflight.Skipped, preflight.Failure},
	} {
		var given []preflight.Finding
		for _, level := range levels {
			given = append(given, preflight.Finding{Area: "jira", Name: "login", Level: level, Detail: "x"})
		}
		var out bytes.Buffer
		require.NoError(t, preflight.WriteText(&out, given, false))
		require.True(t, strings.HasSuffix(out.String(), "\n"+want), out.String())
	}
}

func TestJSONIsAnArrayOfObjects(t *testing.T) {
	for name, given := range map[string][]preflight.Finding{"some": findings(), "none": {}} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, preflight.WriteJSON(&out, given))
			var got []preflight.Finding
			require.NoError(t, json.Unmarshal(out.Bytes(), &got))
			require.Equal(t, given, got)
		})
	}
	var out bytes.Buffer
	require.NoError(t, preflight.WriteJSON(&out, nil))
	require.Equal(t, "[]\n", out.String())
}

func TestFailuresAreCounted(t *testing.T) {
	require.Equal(t, 1, preflight.Failures(findings()))
	require.Zero(t, preflight.Failures(nil))
}

func TestColoursAreForTerminals(t *testing.T) {
	env := func(pairs map[string]string) func(string) string { return func(k string) string { return pairs[k] } }
	terminal, err := os.Open(os.DevNull) // a character device, as terminals are
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	require.True(t, preflight.Colours(terminal, env(nil)))
	require.False(t, preflight.Colours(terminal, env(map[string]string{"NO_COLOR": "1"})))
	require.False(t, preflight.Colours(terminal, env(map[string]string{"TERM": "dumb"})))
	require.False(t, preflight.Colours(file, env(nil)))
	require.False(t, preflight.Colours(&bytes.Buffer{}, env(nil)))
}
