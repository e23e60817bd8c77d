package sandbox

import "teleport-jira/internal/faketeleport"

// stagingRole is the role that an access monitoring rule approves without a person.
const stagingRole = "staging"

// daemonRoles are the Teleport roles of the daemon: to review for people, in its own
// name where a rule says so, and to lock.
func daemonRoles() []string {
	return []string{faketeleport.RoleAccessPluginWithReview, faketeleport.RolePluginReviewer, faketeleport.RoleMonitoringRules, lockRole}
}

// monitoringRule approves requests for nothing but staging.
func monitoringRule() faketeleport.MonitoringRule {
	return faketeleport.MonitoringRule{
		Name: "staging-needs-nobody", Condition: `contains_all(set("` + stagingRole + `"), access_request.spec.roles)`,
		Integration: "jira", Decision: "APPROVED", DesiredState: "reviewed",
	}
}
