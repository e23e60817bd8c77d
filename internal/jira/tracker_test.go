package jira_test

import (
	"teleport-jira/internal/jira"
	"teleport-jira/internal/reconcile"
)

var _ reconcile.Tracker = (*jira.Client)(nil)
