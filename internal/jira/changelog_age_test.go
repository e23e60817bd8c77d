package jira_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIssueOlderThanTheRequestIsNotItsOwn(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			require.NoError(t, b.c.Connect(t.Context()))
			ref, _ := b.issue(t)
			d := draft()
			for age, want := range map[time.Duration]bool{time.Minute: true, 3 * time.Minute: false} {
				d.Request.Created = time.Now().Add(age)
				made, err := b.c.CreatedFor(t.Context(), ref, d)
				require.NoError(t, err)
				require.Equal(t, want, made, age)
			}
		})
	}
}
