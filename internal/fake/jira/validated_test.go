package fakejira_test

import (
	"net/http"
	"testing"

	fakejira "teleport-jira/internal/fake/jira"
)

func validated(_ *testing.T, s *fakejira.Server) http.RoundTripper { return s.RoundTripper() }
