package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestStatusIsNamedByIDOrByNameAndNotByBoth(t *testing.T) {
	s := access.Status{ID: "10101", Name: "Approved"}
	for configured, want := range map[string]bool{
		"10101": true, "Approved": true, "approved": true, "": false, "1010": false, "Denied": false,
	} {
		require.Equal(t, want, s.Is(configured), configured)
	}
	require.False(t, access.Status{ID: "1", Name: "10101"}.Is("10101"), "an id matches no name")
}
