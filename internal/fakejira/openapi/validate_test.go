package openapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// witness is a testing.TB that notes complaints instead of failing.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// validate gives the validator's complaints about one exchange.
func validate(t *testing.T, f fakejira.Flavour, method, path, body string, status int, answer string) []string {
	t.Helper()
	if _, err := loaded.of(f); errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	w := &witness{TB: t}
	h := Validate(w, f, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, body, string(raw), "the body reaches the handler")
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, err = io.WriteString(rw, answer)
		assert.NoError(t, err)
	}))
	req, err := http.NewRequestWithContext(t.Context(), method, "https://jira.test"+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := fakejira.Direct(h).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return w.said
}

func TestValidateComplains(t *testing.T) {
	const created = `{"id":"1","key":"T-1","self":"https://x"}`
	for name, tc := range map[string]struct {
		flavour      fakejira.Flavour
		method, path string
		body         string
		status       int
		answer       string
		complaint    string // empty is none
	}{
		"good create":            {fakejira.Cloud, "POST", "/rest/api/2/issue", `{"fields":{}}`, 201, created, ""},
		"good create, DC":        {fakejira.DataCenter, "POST", "/rest/api/2/issue", `{"fields":{"a":"b"}}`, 201, created, ""},
		"prefix":                 {fakejira.Cloud, "POST", "/ex/jira/1/rest/api/2/issue", `{"fields":{}}`, 201, created, ""},
		"unknown operation":      {fakejira.Cloud, "GET", "/rest/api/2/colour", "", 200, `{}`, "no such operation"},
		"refused operation":      {fakejira.Cloud, "GET", "/rest/api/2/colour", "", 404, `{}`, ""},
		"unknown status":         {fakejira.Cloud, "POST", "/rest/api/2/issue", `{}`, 202, created, "no such status"},
		"rate limit":             {fakejira.Cloud, "POST", "/rest/api/2/issue", `{}`, 429, `{}`, ""},
		"fields of a wrong type": {fakejira.Cloud, "POST", "/rest/api/2/issue", `{"fields":7}`, 201, created, "request"},
		"refused wrong request":  {fakejira.Cloud, "POST", "/rest/api/2/issue", `{"fields":7}`, 400, `{"errorMessages":[],"errors":{}}`, ""},
		"answer of a wrong type": {fakejira.Cloud, "POST", "/rest/api/2/issue", `{}`, 201, `{"id":1}`, "answer"},
		"missing essential":      {fakejira.Cloud, "POST", "/rest/api/2/issue", `{}`, 201, `{"id":"1"}`, "lacks key"},
		"no answer":              {fakejira.Cloud, "GET", "/rest/api/2/myself", "", 200, "", "no JSON"},
		"unknown parameter":      {fakejira.Cloud, "GET", "/rest/api/2/myself?colour=red", "", 200, `{"displayName":"a","active":true}`, `"colour" is not documented`},
		"list that is none":      {fakejira.DataCenter, "GET", "/rest/api/2/status", "", 200, `{}`, "answer"},
		"entry without a name":   {fakejira.DataCenter, "GET", "/rest/api/2/status", "", 200, `[{"id":"1"}]`, "lacks *.name"},
		"time of another form": {
			fakejira.Cloud, "GET", "/rest/api/2/serverInfo", "", 200,
			`{"baseUrl":"u","version":"v","deploymentType":"Cloud","serverTime":"2026-01-01T00:00:00Z"}`, "serverTime",
		},
	} {
		t.Run(name, func(t *testing.T) {
			said := validate(t, tc.flavour, tc.method, tc.path, tc.body, tc.status, tc.answer)
			if tc.complaint == "" {
				require.Empty(t, said)
				return
			}
			require.Len(t, said, 1)
			require.Contains(t, said[0], tc.complaint)
		})
	}
}

func TestWithoutDocumentsNothingIsValidated(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := load("jira-platform-v2.openapi.json", "", mendCloud)
	require.ErrorIs(t, err, errAbsent)
}
