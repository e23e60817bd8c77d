package app

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
)

func TestFilesThatTheDaemonsUserCannotRead(t *testing.T) {
	dir := t.TempDir()
	own := reader{id: strconv.Itoa(os.Getuid())}
	if own.id == "0" {
		own.id = "4711" // Root reads all.
		require.NoError(t, os.Chown(dir, 4711, -1))
	}
	other := reader{id: "4712"}
	member := reader{id: "4712", groups: []string{strconv.Itoa(os.Getgid())}}
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		if os.Getuid() == 0 {
			require.NoError(t, os.Chown(path, 4711, -1))
		}
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	require.NoError(t, os.Chmod(dir, 0o711))
	above := filepath.Dir(dir)
	require.NoError(t, os.Chmod(above, 0o711))

	secret, shared, open := write("secret", 0o600), write("shared", 0o640), write("open", 0o644)
	require.True(t, own.reads(secret))
	require.False(t, other.reads(secret))
	require.False(t, member.reads(secret))
	require.False(t, other.reads(shared))
	require.True(t, member.reads(shared))
	require.True(t, other.reads(open))
	require.True(t, other.reads(filepath.Join(dir, "absent")), "others report it")

	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link")))
	require.False(t, other.reads(filepath.Join(dir, "link")))
	require.NoError(t, os.Chmod(dir, 0o700))
	require.False(t, other.reads(open), "the directory is closed")
	require.True(t, own.reads(open))
	require.True(t, reader{id: "0"}.reads(secret))
}

func TestAllFilesOfTheConfigurationAreLookedAt(t *testing.T) {
	cfg := config.Default()
	cfg.Teleport.Identity, cfg.Jira.APITokenFile, cfg.HTTP.HTTPSKeyFile = "i", "t", "k"
	require.Equal(t, []string{"c", "i", "k", "t"}, CheckOptions{ConfigPath: "c"}.files(cfg))
	cfg.HTTP.Enabled = false
	require.Equal(t, []string{"c", "i", "t"}, CheckOptions{ConfigPath: "c"}.files(cfg))
}
