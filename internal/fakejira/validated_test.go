package fakejira_test

import (
	"net/http"
	"testing"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/fakejira/openapi"
)

// validated is a transport to the double whose traffic is held against
// Atlassian's documents.
func validated(t *testing.T, s *fakejira.Server) http.RoundTripper {
	t.Helper()
	return fakejira.Direct(openapi.Validate(t, s.Flavour(), s))
}
