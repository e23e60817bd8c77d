package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// signatureHeader carries "sha256=<hex>", the HMAC of the raw body under the
// webhook's secret: https://developer.atlassian.com/cloud/jira/platform/webhooks/
const signatureHeader = "X-Hub-Signature"

// Auth is how webhooks are authenticated. The zero Auth accepts all. Where
// secrets and a password are set, a webhook needs both: a setting that an
// operator makes is never without effect. The header stands in place of both,
// since nobody who can send it can sign.
type Auth struct {
	secrets     [][]byte
	user        *[sha256.Size]byte // nil: no basic authentication
	password    [sha256.Size]byte
	headerName  string // "": no header
	headerValue [sha256.Size]byte
}

// WithSecrets requires a signature made with any one of the secrets. Empty ones
// are left out: anybody can sign with those.
func (a Auth) WithSecrets(secrets ...string) Auth {
	a.secrets = nil
	for _, s := range secrets {
		if s != "" {
			a.secrets = append(a.secrets, []byte(s))
		}
	}
	return a
}

// WithBasic requires basic authentication; an empty user requires none.
func (a Auth) WithBasic(user, password string) Auth {
	a.user = nil
	if user != "" {
		sum := sha256.Sum256([]byte(user))
		a.user, a.password = &sum, sha256.Sum256([]byte(password))
	}
	return a
}

// WithHeader accepts webhooks that bring a header with exactly this value, in
// place of a signature and password; an empty name accepts none by it. It is for
// senders that can't sign, such as Jira Automation.
func (a Auth) WithHeader(name, value string) Auth {
	a.headerName, a.headerValue = name, sha256.Sum256([]byte(value))
	return a
}

// Format implements fmt.Formatter and never prints the secrets.
func (a Auth) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<secret>") }

// checkHeader checks all that can be checked before the body is read. It takes
// the same time however much of a password or header is right, and whatever its
// length.
func (a *Auth) checkHeader(r *http.Request) bool {
	if a.headerIsRight(r) {
		return true
	}
	if len(a.secrets) > 0 && signature(r) == nil {
		return false
	}
	if a.user == nil {
		return len(a.secrets) > 0 || a.headerName == ""
	}
	user, password, given := r.BasicAuth()
	userSum, passwordSum := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	right := subtle.ConstantTimeCompare(userSum[:], a.user[:]) & subtle.ConstantTimeCompare(passwordSum[:], a.password[:])
	return given && right == 1
}

// headerIsRight reports whether the request has the configured header once, with
// the right value.
func (a *Auth) headerIsRight(r *http.Request) bool {
	values := r.Header.Values(a.headerName)
	if a.headerName == "" || len(values) != 1 {
		return false
	}
	sum := sha256.Sum256([]byte(values[0]))
	return subtle.ConstantTimeCompare(sum[:], a.headerValue[:]) == 1
}

// checkBody checks the signature over the raw body, unless the header proved who
// sent it. It tries every secret, so
// that its time does not depend on which is right.
func (a *Auth) checkBody(r *http.Request, body []byte) bool {
	if len(a.secrets) == 0 || a.headerIsRight(r) {
		return true
	}
	given := signature(r)
	right := 0
	for _, secret := range a.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		right |= subtle.ConstantTimeCompare(mac.Sum(nil), given)
	}
	return right == 1
}

// signature returns the request's sha256 signature; nil where there is none,
// more than one, or one by another hash.
func signature(r *http.Request) []byte {
	values := r.Header.Values(signatureHeader)
	if len(values) != 1 {
		return nil
	}
	text, ok := strings.CutPrefix(values[0], "sha256=")
	if !ok {
		return nil
	}
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return nil
	}
	return sum
}
