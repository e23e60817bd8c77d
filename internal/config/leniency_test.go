package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestByteOrderMarkIsSkipped(t *testing.T) {
	c, err := Parse("c.toml", []byte("\ufeff"+minimal), Options{})
	require.NoError(t, err)
	require.Equal(t, mustParse(t, minimal).Jira.Project, c.Jira.Project)
}

// The existing plugin's README of years ago has a section [db].
func TestDeadKeysAreWarnedOf(t *testing.T) {
	c := mustParse(t, minimal+"\n[db]\npath = \"/var/lib/teleport-jira\"\n")
	require.Contains(t, Faults(c.Warnings).Error(), "db: has no effect: there is no database, records are kept in Teleport")
	_, err := Parse("c.toml", []byte(minimal+"\n[dbx]\n"), Options{})
	require.ErrorContains(t, err, "unknown key")
}

func TestShortWebhookSecretIsWarnedOf(t *testing.T) {
	for text, warned := range map[string]bool{"fifteen letters": true, "sixteen letters!": false} {
		c := mustParse(t, strings.TrimSpace(minimal)+"\nwebhook_secret = \""+text+"\"\n")
		require.Equal(t, warned, strings.Contains(Faults(c.Warnings).Error(), "shorter than 16 characters"), text)
		require.NotContains(t, Faults(c.Warnings).Error(), text)
	}
}

func TestExpiredMayHaveNoStatus(t *testing.T) {
	c := mustParse(t, minimal+"\n[jira.statuses]\nexpired = []\n")
	require.Empty(t, c.Jira.Statuses.Expired)
}
