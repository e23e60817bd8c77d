package jira_test

import (
	"testing"

	"teleport-jira/internal/jira"
	"teleport-jira/internal/reconcile"
)

func TestClientIsTheReconcilersTracker(t *testing.T) {
	var _ reconcile.Tracker = (*jira.Client)(nil)
}
