package wikitext_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/wikitext"
)

func TestStorable(t *testing.T) {
	for in, want := range map[string]string{
		"go \U0001F44D":                "go \uFFFD",
		"a\x00b\u202Ec":                "abc",
		"two\nlines\tof grüße 日本 €":    "two\nlines\tof grüße 日本 €",
		"private \uE000 and \uFDD0":    "private \uFFFD and \uFFFD",
		"mathematical \U0001D400 bold": "mathematical \uFFFD bold",
	} {
		require.Equal(t, want, wikitext.Storable(in))
		require.Equal(t, want, wikitext.Storable(want), "once is enough")
	}
}
