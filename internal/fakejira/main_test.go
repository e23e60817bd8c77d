package fakejira_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain: no goroutine outlives its Server.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
