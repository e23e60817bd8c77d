package fakejira_test

import (
	"net/http"
	"testing"

	fakejira "teleport-jira/internal/fake/jira"
	"teleport-jira/internal/fake/jira/openapi"
)

// validated is a transport to the double whose traffic is held against
// Atlassian's documents.
func validated(t *testing.T, s *fakejira.Server) http.RoundTripper {
	t.Helper()
	return fakejira.Direct(openapi.Validate(t, s.Flavour(), s))
}
