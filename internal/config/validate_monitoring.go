package config

import (
	"strings"
	"unicode"
)

// builtinIntegration is the name by which Teleport's own reviewer goes in access
// monitoring rules.
const builtinIntegration = "builtin"

// monitoring checks the keys of [teleport] about access monitoring rules.
func (v *validator) monitoring(t *Teleport) {
	v.oneOf("teleport.access_monitoring_rules", &t.AccessMonitoringRules, "auto", "off")
	if t.PluginName == "" {
		t.PluginName = Default().Teleport.PluginName
	}
	switch odd := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) || r == '"' }; {
	case strings.ContainsFunc(t.PluginName, odd):
		v.fault("teleport.plugin_name", "must be a name without spaces and quotes")
	case t.PluginName == builtinIntegration:
		v.fault("teleport.plugin_name", "must not be builtin, which is Teleport itself")
	}
}
