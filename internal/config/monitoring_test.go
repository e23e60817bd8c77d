package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccessMonitoringRules(t *testing.T) {
	with := func(lines string) (*Config, error) {
		return Parse("test.toml", []byte(strings.Replace(minimal, "[teleport]\n", "[teleport]\n"+lines+"\n", 1)), Options{})
	}
	c := mustParse(t, minimal)
	require.Equal(t, "jira", c.Teleport.PluginName)
	require.Equal(t, "auto", c.Teleport.AccessMonitoringRules)
	c, err := with("plugin_name = \"\"\naccess_monitoring_rules = \"off\"")
	require.NoError(t, err)
	require.Equal(t, "jira", c.Teleport.PluginName, "empty is the default")
	require.Equal(t, "off", c.Teleport.AccessMonitoringRules)
	for lines, says := range map[string]string{
		`plugin_name = "builtin"`:        "test.toml:3: teleport.plugin_name",
		`plugin_name = "my plugin"`:      "without spaces",
		`plugin_name = 'a"b'`:            "without spaces and quotes",
		`access_monitoring_rules = "on"`: "must be one of auto, off",
		`access_monitoring_rules = true`: "teleport.access_monitoring_rules",
	} {
		_, err := with(lines)
		require.ErrorContains(t, err, says, lines)
	}
}
