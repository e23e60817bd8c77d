package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// TestHandleMeansOneAttribute: no account is named by an attribute that its
// owner chose to be like somebody else's.
func TestHandleMeansOneAttribute(t *testing.T) {
	cloud := access.Actor{ID: "557058:bob", Email: "bob@example.com"}
	center := access.Actor{ID: "JIRAUSER10100", Name: "sam", Email: "sam@example.com"}
	old := access.Actor{ID: "carol", Name: "bob", Email: "x@example.com"} // keys of old users are names
	for handle, c := range map[string]struct{ cloud, center, trusted, old bool }{
		"":                      {},
		"id:":                   {},
		"557058:bob":            {cloud: true},
		"557058:BOB":            {},
		"id:557058:bob":         {cloud: true},
		"name:557058:bob":       {},
		"bob@example.com":       {cloud: true},
		"BOB@Example.com":       {cloud: true},
		"email:bob@example.com": {cloud: true},
		"name:bob@example.com":  {},
		"JIRAUSER10100":         {center: true, trusted: true},
		"key:JIRAUSER10100":     {center: true, trusted: true},
		"jirauser10100":         {},
		"name:JIRAUSER10100":    {},
		"sam":                   {center: true, trusted: true},
		"SAM":                   {center: true, trusted: true},
		"name:sam":              {center: true, trusted: true},
		"key:sam":               {},
		"\u017fam":              {},
		"name:\u017fam":         {},
		"sam@example.com":       {trusted: true},
		"email:sam@example.com": {trusted: true},
		"\u017fam@example.com":  {},
		"bob":                   {old: true},
		"key:bob":               {},
		"carol":                 {},
		"key:carol":             {old: true},
	} {
		h := access.ParseHandle(handle)
		require.Equal(t, c.cloud, h.Names(cloud, false), handle)
		require.Equal(t, c.center, h.Names(center, false), handle)
		require.Equal(t, c.trusted, h.Names(center, true), handle)
		require.Equal(t, c.old, h.Names(old, true), handle)
	}
	require.False(t, access.ParseHandle("name:").Names(cloud, true), "an absent attribute is nobody's")
}

func TestGroupHandleMeansIDOrName(t *testing.T) {
	const id, other = "0a1b2c3d-0000-4000-8000-000000000000", "ffffffff-0000-4000-8000-000000000000"
	for handle, c := range map[string]struct{ id, name string }{
		id:           {id, "x"},
		"id:" + id:   {id, "x"},
		"approvers":  {other, "Approvers"},
		"name:" + id: {other, id},
		"id:plain":   {"plain", "x"},
	} {
		require.True(t, access.ParseGroup(handle).NamesGroup(c.id, c.name), handle)
	}
	require.False(t, access.ParseGroup(id).NamesGroup(other, id), "a group named like another's id")
	require.False(t, access.ParseGroup("approvers").NamesGroup("approvers", "x"))
	require.False(t, access.ParseGroup("admins").NamesGroup("", "admin\u017f"))
	require.False(t, access.ParseGroup("id:").NamesGroup("", ""))
}

func TestHandleValidate(t *testing.T) {
	for _, handle := range []string{"", " ", "id:", "email:bob"} {
		require.Error(t, access.ParseHandle(handle).Validate(), handle)
	}
	for _, handle := range []string{"bob", "557058:x", "email:bob@example.com", "name:bob@example.com"} {
		require.NoError(t, access.ParseHandle(handle).Validate(), handle)
	}
}
