package fakejira_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestIssueIsCreatedCommentedMovedAndFound(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			key := j.create("teleport-abc")
			require.Equal(t, "TAR-1", key)
			path := "/rest/api/2/issue/" + key

			j.call(http.StatusCreated, "POST", path+"/comment", obj{"body": "hello"})
			j.call(http.StatusNoContent, "POST", path+"/transitions", obj{"transition": obj{"id": "21"}})
			iss := j.call(http.StatusOK, "GET", path+"?expand=changelog", nil)
			require.Equal(t, "Approved", at(t, iss, "fields", "status", "name"))
			require.Equal(t, "hello", at(t, iss, "fields", "comment", "comments", 0, "body"))
			require.Equal(t, "Approved", at(t, iss, "changelog", "histories", 0, "items", 0, "toString"))

			search := "/rest/api/2/search/jql"
			if f == fakejira.DataCenter {
				search = "/rest/api/2/search"
			}
			found := j.call(http.StatusOK, "POST", search, obj{"jql": `labels = "teleport-abc" AND creator = currentUser()`})
			require.Equal(t, iss["id"], at(t, found, "issues", 0, "id"))
		})
	}
}
