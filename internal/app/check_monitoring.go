package app

import (
	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/preflight"
)

// describeRules says what the access monitoring rules that concern the daemon
// come to, and what of them is not followed.
func describeRules(cfg *config.Config, rules []access.MonitoringRule) []preflight.Finding {
	m, faults := plan.NewMonitoring(cfg.Teleport.PluginName, rules)
	var findings []preflight.Finding
	for _, line := range m.Describe() {
		findings = append(findings, preflight.Finding{Name: "rule " + access.CleanLine(line.Rule), Level: preflight.OK, Detail: line.Detail})
	}
	for _, fault := range faults {
		findings = append(findings, preflight.Finding{
			Name: "rule " + access.CleanLine(fault.Rule), Level: preflight.Warning, Detail: "not followed in full: " + access.CleanLine(fault.Detail),
			Fix: "correct it with `tctl edit access_monitoring_rule`; docs/access-monitoring-rules.md has what is supported",
		})
	}
	return findings
}
