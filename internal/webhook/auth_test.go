package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sign makes the header that Jira sends.
func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestAuthentication(t *testing.T) {
	signed := func(headers ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, h := range headers {
				r.Header.Add(signatureHeader, h)
			}
		}
	}
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	nothing := func(*http.Request) {}
	right, hash := sign("new", moved), strings.TrimPrefix(sign("new", moved), "sha256=")
	secrets := Auth{}.WithSecrets("new", "old", "")
	password := Auth{}.WithBasic("jira", "secret")
	both := secrets.WithBasic("jira", "secret")
	header := Auth{}.WithHeader("X-Token", "open sesame")
	token := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["X-Token"] = values }
	}
	for name, tc := range map[string]struct {
		auth Auth
		give func(*http.Request)
		want int
	}{
		"nothing asked":         {Auth{}, nothing, 200},
		"new secret":            {secrets, signed(right), 200},
		"old secret":            {secrets, signed(sign("old", moved)), 200},
		"upper case":            {secrets, signed("sha256=" + strings.ToUpper(hash)), 200},
		"no signature":          {secrets, nothing, 401},
		"other secret":          {secrets, signed(sign("other", moved)), 401},
		"empty secret":          {secrets, signed(sign("", moved)), 401},
		"other body":            {secrets, signed(sign("new", moved+" ")), 401},
		"sha1":                  {secrets, signed("sha1=" + hash[:40]), 401},
		"no hash named":         {secrets, signed(hash), 401},
		"hash in upper case":    {secrets, signed("SHA256=" + hash), 401},
		"shortened":             {secrets, signed(right[:len(right)-2]), 401},
		"lengthened":            {secrets, signed(right + "00"), 401},
		"no hex":                {secrets, signed("sha256=" + strings.Repeat("zz", 32)), 401},
		"empty":                 {secrets, signed(""), 401},
		"twice":                 {secrets, signed(right, right), 401},
		"password":              {password, basic("jira", "secret"), 200},
		"no password":           {password, nothing, 401},
		"wrong user":            {password, basic("root", "secret"), 401},
		"wrong password":        {password, basic("jira", "secret2"), 401},
		"empty password":        {password, basic("jira", ""), 401},
		"bearer":                {password, func(r *http.Request) { r.Header.Set("Authorization", "Bearer secret") }, 401},
		"secret for a password": {password, signed(right), 401},
		"both":                  {both, func(r *http.Request) { signed(right)(r); basic("jira", "secret")(r) }, 200},
		"both, signature only":  {both, signed(right), 401},
		"both, password only":   {both, basic("jira", "secret"), 401},
		"header":                {header, token("open sesame"), 200},
		"no header":             {header, nothing, 401},
		"wrong header":          {header, token("open sesamf"), 401},
		"header shortened":      {header, token("open"), 401},
		"empty header":          {header, token(""), 401},
		"header twice":          {header, token("open sesame", "open sesame"), 401},
		"header or signature":   {both.WithHeader("x-token", "open sesame"), token("open sesame"), 200},
		"header wrong, signed":  {secrets.WithHeader("X-Token", "open sesame"), func(r *http.Request) { token("no")(r); signed(right)(r) }, 200},
		"neither of them":       {secrets.WithHeader("X-Token", "open sesame"), func(r *http.Request) { token("no")(r); signed(hash)(r) }, 401},
		"no header, unsigned":   {both.WithHeader("X-Token", "open sesame"), basic("jira", "secret"), 401},
		"no name, no header":    {secrets.WithHeader("", ""), func(r *http.Request) { r.Header[""] = []string{""} }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(tc.auth)
			r := post(moved)
			tc.give(r)
			w := e.do(r)
			require.Equal(t, tc.want, w.Code)
			require.Empty(t, w.Body.String())
			if tc.want == http.StatusOK {
				require.Len(t, e.queue.hints, 1)
				return
			}
			require.Empty(t, e.queue.hints)
			require.Equal(t, tc.auth.user != nil, w.Header().Get("WWW-Authenticate") != "")
			require.Equal(t, 1, e.count(t, unauthenticated))
		})
	}
}

func TestRefusedBeforeTheBodyIsRead(t *testing.T) {
	for name, auth := range map[string]Auth{"signature": Auth{}.WithSecrets("s"), "header": Auth{}.WithHeader("X-Token", "s")} {
		t.Run(name, func(t *testing.T) { refusedBeforeTheBodyIsRead(t, auth) })
	}
}

func refusedBeforeTheBodyIsRead(t *testing.T, auth Auth) {
	t.Helper()
	e := newEndpoint(auth)
	r := post(moved)
	e.do(r)
	rest := make([]byte, len(moved))
	n, err := r.Body.Read(rest)
	require.NoError(t, err)
	require.Equal(t, len(moved), n)
}

func TestSetAuth(t *testing.T) {
	e := newEndpoint(Auth{}.WithSecrets("old"))
	r := post(moved)
	r.Header.Set(signatureHeader, sign("new", moved))
	require.Equal(t, http.StatusUnauthorized, e.do(r).Code)
	e.SetAuth(Auth{}.WithSecrets("new"))
	r = post(moved)
	r.Header.Set(signatureHeader, sign("new", moved))
	require.Equal(t, http.StatusOK, e.do(r).Code)
}

func TestAuthDoesNotPrint(t *testing.T) {
	a := Auth{}.WithSecrets("hunter2").WithBasic("jira", "hunter2").WithHeader("X-Token", "hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "<secret>", fmt.Sprintf(verb, a))
	}
}

// TestSignatureVector checks the signature that Atlassian's documentation gives.
func TestSignatureVector(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t), "vectors", "webhook_signature_vector.json"))
	require.NoError(t, err)
	var vector struct{ Secret, Payload, Value string }
	require.NoError(t, json.Unmarshal(data, &vector))
	r := post(vector.Payload)
	r.Header.Set(signatureHeader, vector.Value)
	auth := Auth{}.WithSecrets("other", vector.Secret)
	require.True(t, auth.checkHeader(r))
	require.True(t, auth.checkBody(r, []byte(vector.Payload)))
	require.False(t, auth.checkBody(r, []byte(vector.Payload+"!")))
}

// shared finds the recorded payloads in a directory "shared" beside the
// repository, or skips the test.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for dir != filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "jira-webhooks")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("no directory shared/jira-webhooks with recorded payloads beside the repository")
	return ""
}

func FuzzSignature(f *testing.F) {
	body := []byte(`{"a":1}`)
	auth := Auth{}.WithSecrets("one", "two")
	right := sign("two", string(body))
	f.Add(right)
	f.Add("sha1=" + right[7:])
	f.Add("sha256=")
	f.Add("SHA256=" + right[7:] + " ")
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{signatureHeader: {header}}}
		accepted := auth.checkHeader(r) && auth.checkBody(r, body)
		require.Equal(t, strings.HasPrefix(header, "sha256=") && strings.EqualFold(header, right), accepted)
	})
}
