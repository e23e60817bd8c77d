package config

import (
	"fmt"
	"os"
)

// othersWrite is the permission to write of users who are neither a file's owner
// nor in its group. The packages install 0640 with the daemon's group, which may
// be allowed to write as well: that is an administrator's choice of people.
const othersWrite = 0o002

// writable reports the configuration file and every file that it names, where any
// user of the host may change them: who can write these says who decides, or
// takes the daemon's place.
func (v *validator) writable() {
	v.notWritable("", v.file)
	t, h := v.c.Teleport, v.c.HTTP
	files := []struct{ key, path string }{
		{"teleport.identity", t.Identity},
		{"teleport.client_key", t.ClientKey},
		{"teleport.client_crt", t.ClientCrt},
		{"teleport.root_cas", t.RootCAs},
		{"teleport.ca_file", t.CAFile},
		{"jira.api_token_file", string(v.c.Jira.APITokenFile)},
		{"jira.ca_file", v.c.Jira.CAFile},
		{"http.https_key_file", h.HTTPSKeyFile},
		{"http.https_cert_file", h.HTTPSCertFile},
		{"http.header_value_file", string(h.HeaderValueFile)},
		{"http.basic_auth.password_file", string(h.BasicAuth.PasswordFile)},
		{"http.tls.client_ca_file", h.TLS.ClientCAFile},
	}
	for _, f := range files {
		v.notWritable(f.key, f.path)
	}
	for _, f := range h.WebhookSecretFile {
		v.notWritable("http.webhook_secret_file", string(f))
	}
}

// notWritable checks one file. One that is missing is reported where it is read.
func (v *validator) notWritable(key, path string) {
	if path == "" {
		return
	}
	msg := writableByOthers(path)
	switch {
	case msg == "":
	case key == "": // the configuration itself, whatever else is wrong with it
		v.faults = append(v.faults, Fault{File: path, Msg: msg})
	default:
		v.fault(key, msg)
	}
}

// writableByOthers returns what is wrong with a file that every user of the host
// may write, and what to do; "" for any other. Devices and pipes pass data on
// and keep none.
func writableByOthers(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&othersWrite == 0 {
		return ""
	}
	return fmt.Sprintf("%s may be written by every user of this host (mode %04o): chmod o-w %s",
		path, info.Mode().Perm(), path)
}
