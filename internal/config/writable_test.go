package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesWritableByOthersAreFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token, identity, hook := write("token", "t"), write("identity", "i"), write("hook", "0123456789abcdef")
	text := strings.NewReplacer(`"token"`, fmt.Sprintf("%q", token), `"identity"`, fmt.Sprintf("%q", identity)).Replace(minimal)
	file := write("teleport-jira.toml", text+fmt.Sprintf("webhook_secret_file = %q\n", hook))
	good, err := Load(file, Options{})
	require.NoError(t, err)

	for path, key := range map[string]string{
		file: "", token: "jira.api_token", identity: "teleport.identity", hook: "http.webhook_secret_file",
	} {
		require.NoError(t, os.Chmod(path, 0o646))
		_, err := Load(file, Options{})
		require.ErrorContains(t, err, key)
		require.ErrorContains(t, err, path+" may be written by every user of this host (mode 0646): chmod o-w "+path)
		require.Len(t, err, 1, "%v", err)
		_, err = good.Reread()
		require.Equal(t, path == token || path == hook, err != nil, "a secret that is read again: %v", err)

		for _, fine := range []os.FileMode{0o660, 0o640, 0o600, 0o400} {
			require.NoError(t, os.Chmod(path, fine))
			_, err = Load(file, Options{})
			require.NoError(t, err, fine)
		}
	}
}

// A file that is no TOML has that fault alone, and one that is missing is missing.
func TestWritableFileThatIsNoTOML(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.toml")
	_, err := Load(file, Options{})
	require.ErrorContains(t, err, "no such file")
	require.NoError(t, os.WriteFile(file, []byte("[nonsense"), 0o600))
	require.NoError(t, os.Chmod(file, 0o666))
	_, err = Load(file, Options{})
	require.Error(t, err)
}
