package access

import "time"

// MonitoringRule is one of the cluster's access monitoring rules about Access
// Requests, as far as this version understands it. Administrators write them.
type MonitoringRule struct {
	Name      string
	Condition string
	// Notification is the plugin that the rule's recipients are for; "": the rule
	// names none.
	Notification string
	Recipients   []string
	// Integration is who reviews by the rule; "": nobody. Decision is what they
	// propose; "": nothing that this version knows.
	Integration  string
	Decision     State
	DesiredState string
	Expires      time.Time // when the rule ends; zero: never
	// UnknownFields: the rule says more than this version understands, such as when
	// it holds.
	UnknownFields bool
}
