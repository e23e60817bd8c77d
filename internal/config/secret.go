package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"teleport-jira/internal/filewatch"
)

// redacted is printed in place of a secret.
const redacted = "<secret>"

// maxSecret bounds a secret file: tokens and passwords are short.
const maxSecret = 64 << 10

// Secret is text that must not be shown. It prints as "<secret>" by every verb
// of package fmt, in slog, JSON, TOML and any other text encoding; an empty
// one prints as nothing, so that a missing secret shows. string(s) is the one
// visible act of use. It is no string type because go-toml writes those out
// whatever methods they have.
type Secret []byte

// String implements fmt.Stringer and never shows the secret.
func (s Secret) String() string {
	if len(s) == 0 {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter: no verb shows the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer and never shows the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, which the JSON and TOML
// encoders use, and never shows the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Secrets is one or several secrets, any of which is accepted: the new and the
// old one during a rotation.
type Secrets []Secret

// SecretFile is the path of a file that holds a secret.
type SecretFile string

// Read reads the secret, without the newline at its end. An empty file is an
// error, and so is one that is too large to be a secret. It may be called
// again whenever the file may have changed. The error does not name the file.
func (f SecretFile) Read() (Secret, error) {
	data, err := readFile(string(f), maxSecret)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	data = bytes.TrimSuffix(data, []byte("\r"))
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	return Secret(data), nil
}

// SecretFiles is one or several paths of files that hold a secret each.
type SecretFiles []SecretFile

// Names is one name or several, in order of preference.
type Names []string

// String returns the names separated by commas.
func (n Names) String() string { return strings.Join(n, ", ") }

// SecretFiles lists the files that the configuration's secrets came from. When
// one of them changes, the configuration has to be loaded again.
func (c *Config) SecretFiles() []string {
	var files []string
	for _, f := range append(SecretFiles{c.Jira.APITokenFile, c.Jira.OAuth.ClientSecretFile, c.HTTP.BasicAuth.PasswordFile, c.HTTP.HeaderValueFile}, c.HTTP.WebhookSecretFile...) {
		if f != "" {
			files = append(files, string(f))
		}
	}
	return files
}

// Reread returns a copy of the configuration with the secrets that its secret
// files hold now, and nothing else that may have changed since: the
// configuration file is not read. The error is Faults; the configuration is
// never changed.
func (c *Config) Reread() (*Config, error) {
	next := *c
	next.SecretsSum = filewatch.SumOf(next.SecretFiles()...)
	var faults Faults
	read := func(key string, f SecretFile, s *Secret) {
		secret, err := f.Read()
		if msg := writableByOthers(string(f)); err == nil && msg != "" {
			err = errors.New(msg)
		}
		if err != nil {
			faults = append(faults, Fault{File: string(f), Key: key, Msg: err.Error()})
			return
		}
		*s = secret
	}
	if f := next.Jira.APITokenFile; f != "" {
		read("jira.api_token_file", f, &next.Jira.APIToken)
	}
	if f := next.Jira.OAuth.ClientSecretFile; f != "" {
		read("jira.oauth.client_secret_file", f, &next.Jira.OAuth.ClientSecret)
	}
	if f := next.HTTP.BasicAuth.PasswordFile; f != "" {
		read("http.basic_auth.password_file", f, &next.HTTP.BasicAuth.Password)
	}
	if f := next.HTTP.HeaderValueFile; f != "" {
		read("http.header_value_file", f, &next.HTTP.HeaderValue)
	}
	if files := next.HTTP.WebhookSecretFile; len(files) > 0 {
		next.HTTP.WebhookSecret = make(Secrets, len(files))
		for i, f := range files {
			read("http.webhook_secret_file", f, &next.HTTP.WebhookSecret[i])
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &next, nil
}

// readSecrets reads the secrets that stand in files.
func (v *validator) readSecrets() {
	j, h := &v.c.Jira, &v.c.HTTP
	tokenKey := "jira.api_token_file" //nolint:gosec // the name of a key
	if strings.HasPrefix(string(j.APIToken), "/") {
		if j.APITokenFile != "" {
			v.fault("jira.api_token", "both api_token and api_token_file are given")
			return
		}
		tokenKey = "jira.api_token" //nolint:gosec // the name of a key
		j.APITokenFile, j.APIToken = SecretFile(j.APIToken), nil
	}
	v.c.SecretsSum = filewatch.SumOf(v.c.SecretFiles()...)
	if v.inFile("jira.api_token", len(j.APIToken) > 0, j.APITokenFile != "") {
		v.readSecret(tokenKey, j.APITokenFile, &j.APIToken)
	}
	if v.inFile("jira.oauth.client_secret", len(j.OAuth.ClientSecret) > 0, j.OAuth.ClientSecretFile != "") {
		v.readSecret("jira.oauth.client_secret_file", j.OAuth.ClientSecretFile, &j.OAuth.ClientSecret)
	}
	if v.inFile("http.basic_auth.password", len(h.BasicAuth.Password) > 0, h.BasicAuth.PasswordFile != "") {
		v.readSecret("http.basic_auth.password_file", h.BasicAuth.PasswordFile, &h.BasicAuth.Password)
	}
	if v.inFile("http.header_value", len(h.HeaderValue) > 0, h.HeaderValueFile != "") {
		v.readSecret("http.header_value_file", h.HeaderValueFile, &h.HeaderValue)
	}
	if v.inFile("http.webhook_secret", len(h.WebhookSecret) > 0, len(h.WebhookSecretFile) > 0) {
		for _, f := range h.WebhookSecretFile {
			var s Secret
			v.readSecret("http.webhook_secret_file", f, &s)
			h.WebhookSecret = append(h.WebhookSecret, s)
		}
	}
}

// inFile reports whether the secret at key stands in a file. Giving it both
// ways is a fault.
func (v *validator) inFile(key string, inline, file bool) bool {
	if inline && file {
		name := key[strings.LastIndexByte(key, '.')+1:]
		v.fault(key, fmt.Sprintf("both %s and %s_file are given", name, name))
		return false
	}
	return file
}

// readSecret reads f into s and notes a fault where that can't be done.
func (v *validator) readSecret(key string, f SecretFile, s *Secret) {
	secret, err := f.Read()
	if err != nil {
		v.fault(key, fmt.Sprintf("read %s: %v", string(f), err))
		return
	}
	*s = secret
	v.warnReadable(key, string(f))
}

// warnReadable warns of a file with a secret in it that every user of the host
// may read. A missing file is reported where it is read.
func (v *validator) warnReadable(key, path string) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		v.warn(key, fmt.Sprintf("%s may be read by every user of this host (mode %04o)", path, info.Mode().Perm()),
			fmt.Sprintf("chmod 600 %s, owned by the user that the daemon runs as", path))
	}
}
