package config

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// jiraURL checks jira.url. Its text is not repeated in a fault: what is wrong
// with it may be a password in it.
func (v *validator) jiraURL() {
	const key = "jira.url"
	j := &v.c.Jira
	if j.URL == "" {
		v.fault(key, "must be set")
		return
	}
	u, err := url.Parse(j.URL)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		v.fault(key, "must be a URL such as https://example.atlassian.net")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		v.fault(key, "must be https")
	case u.User != nil:
		v.fault(key, "must not contain a user or password; use username and api_token")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.fault(key, "must not contain a query or fragment")
	}
	j.URL = strings.TrimRight(j.URL, "/")
}

// isLoopback reports whether host is this host, by its address or name.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.IsLoopback())
}

// http checks the section [http]. With the listener off only the forms are
// checked: nothing is missing where nothing is served.
func (v *validator) http() {
	h := &v.c.HTTP
	if h.ListenAddr == "" {
		h.ListenAddr = Default().HTTP.ListenAddr
	}
	v.hostPort("http.listen_addr", h.ListenAddr)
	v.publicAddr()
	v.certificate()
	for i, s := range h.WebhookSecret {
		if len(s) == 0 && len(h.WebhookSecretFile) == 0 {
			v.fault(index("http.webhook_secret", i), "must not be empty")
		}
	}
	b := &h.BasicAuth
	switch {
	case b.User != "" && len(b.Password) == 0:
		v.fault("http.basic_auth.password", "must be set when user is (or password_file)")
	case b.User == "" && len(b.Password) > 0:
		v.fault("http.basic_auth.user", "must be set when password is")
	case strings.ContainsRune(b.User, ':'):
		v.fault("http.basic_auth.user", "must not contain a colon")
	}
	v.header()
	if h.TLS.VerifyClientCert && h.TLS.ClientCAFile == "" {
		v.fault("http.tls.verify_client_cert", "must come with client_ca_file: every certificate of a public CA would do otherwise")
	}
	v.shortSecrets()
	if h.TLS.ClientCAFile != "" && !h.TLS.VerifyClientCert && !v.isBroken("http.tls.verify_client_cert") {
		v.fault("http.tls.client_ca_file", "has no effect unless verify_client_cert is true")
	}
}

// headerPattern is the name of an HTTP header.
var headerPattern = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// isHeaderValue reports whether HTTP carries a value as it is.
func isHeaderValue(s Secret) bool {
	return string(bytes.TrimSpace(s)) == string(s) &&
		!bytes.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// header checks the header that webhooks bring in place of a signature.
func (v *validator) header() {
	h := &v.c.HTTP
	switch {
	case h.HeaderName != "" && len(h.HeaderValue) == 0:
		v.fault("http.header_value", "must be set when header_name is (or header_value_file)")
	case h.HeaderName == "" && len(h.HeaderValue) > 0:
		v.fault("http.header_name", "must be set when header_value is")
	case h.HeaderName != "" && !headerPattern.MatchString(h.HeaderName):
		v.fault("http.header_name", fmt.Sprintf("must be the name of a header such as X-Webhook-Token, not %q", h.HeaderName))
	case slices.Contains([]string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Trailer"}, http.CanonicalHeaderKey(h.HeaderName)):
		v.fault("http.header_name", fmt.Sprintf("must not be %q, which every request has a use for", h.HeaderName))
	case !isHeaderValue(h.HeaderValue):
		v.fault("http.header_value", "must be printable ASCII without spaces at its ends")
	}
	if n := len(h.HeaderValue); n > 0 && n < minWebhookSecret {
		key := "http.header_value"
		if h.HeaderValueFile != "" {
			key = "http.header_value_file"
		}
		v.warn(key, fmt.Sprintf("is shorter than %d characters, and can be found by trying", minWebhookSecret),
			"make one with openssl rand -hex 32")
	}
}

// minWebhookSecret is how long a webhook's secret should be, in bytes: whoever has
// seen one signed webhook can try shorter ones offline.
const minWebhookSecret = 16

// shortSecrets warns of webhook secrets that can be guessed.
func (v *validator) shortSecrets() {
	h := &v.c.HTTP
	key := "http.webhook_secret"
	if len(h.WebhookSecretFile) > 0 {
		key = "http.webhook_secret_file"
	}
	for _, s := range h.WebhookSecret {
		if len(s) > 0 && len(s) < minWebhookSecret {
			v.warn(key, fmt.Sprintf("is shorter than %d characters, and can be found by trying from one webhook that somebody has seen", minWebhookSecret),
				"make one with openssl rand -hex 32, and give the old one beside it until Jira has the new one")
		}
	}
}

// certificate checks that the webhook listener has a certificate and its key,
// unless the command line allows it without.
func (v *validator) certificate() {
	h := &v.c.HTTP
	switch {
	case h.HTTPSKeyFile != "" && h.HTTPSCertFile == "":
		v.fault("http.https_cert_file", "must be set when https_key_file is")
	case h.HTTPSKeyFile == "" && h.HTTPSCertFile != "":
		v.fault("http.https_key_file", "must be set when https_cert_file is")
	case !h.Enabled || v.isBroken("http.enabled") || v.opts.InsecureNoTLS:
	case h.HTTPSKeyFile == "":
		v.fault("http.https_cert_file", "must be set, with https_key_file (or start with --insecure-no-tls behind a proxy that does TLS)")
	}
	if h.Enabled && v.opts.InsecureNoTLS && h.TLS.VerifyClientCert {
		v.fault("http.tls.verify_client_cert", "can't be true with --insecure-no-tls")
	}
}

// publicAddr checks http.public_addr and takes a user and password out of it,
// where the existing plugin allowed them.
func (v *validator) publicAddr() {
	const key = "http.public_addr"
	h := &v.c.HTTP
	if h.PublicAddr == "" {
		return
	}
	if !strings.Contains(h.PublicAddr, "://") {
		h.PublicAddr = "https://" + h.PublicAddr
	}
	u, err := url.Parse(h.PublicAddr)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		v.fault(key, "must be a host name or a URL such as https://teleport-jira.example.com")
		return
	}
	if u.User == nil {
		return
	}
	if h.BasicAuth.User != "" {
		v.fault(key, "must not contain a user when [http.basic_auth] has one")
		return
	}
	password, _ := u.User.Password()
	h.BasicAuth.User, h.BasicAuth.Password = u.User.Username(), Secret(password)
	u.User = nil
	h.PublicAddr = u.String()
}

// telemetry checks the section [telemetry]: the admin endpoints must not come
// out on the public listener.
func (v *validator) telemetry() {
	const key = "telemetry.listen_addr"
	t, h := v.c.Telemetry, v.c.HTTP
	if t.ListenAddr == "" {
		return
	}
	v.hostPort(key, t.ListenAddr)
	if _, port, err := net.SplitHostPort(t.ListenAddr); err == nil && port == "0" {
		return
	}
	if h.Enabled && t.ListenAddr == h.ListenAddr {
		v.fault(key, "must differ from http.listen_addr")
	}
}

// Authenticated reports whether webhooks are authenticated. Without that the
// listener works and is worth a warning: a webhook is only a hint, but anybody
// can make the daemon read issues.
func (h HTTP) Authenticated() bool {
	return len(h.WebhookSecret) > 0 || h.HeaderName != "" || h.BasicAuth.User != "" || h.TLS.VerifyClientCert
}
