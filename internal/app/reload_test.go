package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestReloadThatFailsKeepsTheOldConfiguration(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(d *daemon){
		"fault in the file": func(d *daemon) { d.config += "mode = \"magic\"\n" },
		"wrong token":       func(d *daemon) { d.config = replace(d.t, d.config, "bot-token", "guess") },
		"missing project":   func(d *daemon) { d.config = replace(d.t, d.config, `"TAR"`, `"NOPE"`) },
		"missing identity":  func(d *daemon) { d.config = replace(d.t, d.config, d.identity, d.identity+".gone") },
		"log":               func(d *daemon) { d.config += "[log]\noutput = \"/nonexistent/log\"\n" },
		"address in use": func(d *daemon) {
			d.config = replace(d.t, d.config, "[http]\nlisten_addr = \"127.0.0.1:0\"", "[http]\nlisten_addr = \""+d.auth.Addr()+"\"")
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			d.start()
			url := d.url("http.listen_addr")
			// What would take effect if the reload did, in part or as a whole.
			d.config = replace(t, d.config, "[telemetry]", "webhook_secret = \"other\"\n[telemetry]")
			d.config = replace(t, d.config, "[review]", "[jira.issue]\nlabels = [\"new\"]\n[review]")
			spoil(d)
			d.reload()
			d.logged("level=ERROR", "configuration not reloaded, the old one stays in use")
			_, metrics := d.admin("/metrics")
			require.Contains(t, metrics, "teleport_jira_config_last_reload_successful 0")
			if strings.Contains(d.config, "magic") { // Whether the rules changed can't be known.
				status, answer := d.admin("/readyz")
				require.Equal(t, http.StatusServiceUnavailable, status)
				require.Contains(t, answer, "configuration: ")
			} else {
				d.ready()
			}
			status, _, err := d.call(http.MethodPost, url, hint)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, "webhooks need no secret still")
			require.NotContains(t, d.works().Labels, "new")
			require.Empty(t, d.log.find("configuration reloaded"))
			d.stop()
			require.NoError(t, d.ended())
		})
	}
}

func TestReloadSwapsTheConfiguration(t *testing.T) {
	d := newDaemon(t)
	d.start()
	oldURL := d.url("telemetry.listen_addr")
	certFile, keyFile := selfSigned(t)
	d.config = replace(t, d.config, "[telemetry]\nlisten_addr = \"127.0.0.1:0\"", fmt.Sprintf(
		"webhook_secret = \"other\"\nhttps_cert_file = %q\nhttps_key_file = %q\n[telemetry]\nlisten_addr = \"localhost:0\"", certFile, keyFile))
	d.config = replace(t, d.config, "[review]", "[jira.issue]\nlabels = [\"new\"]\n[review]")
	d.config += "[log]\nseverity = \"DEBUG\"\n"
	d.reload()
	d.logged("configuration reloaded")
	d.logged("stopped listening", "key=telemetry.listen_addr")
	d.eventually(func(c *assert.CollectT) { require.Contains(c, d.works().Labels, "new") })
	status, _, err := d.call(http.MethodPost, d.url("http.listen_addr"), hint)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	_, _, err = d.call(http.MethodGet, oldURL+"/healthz", "")
	require.Error(t, err)
	d.logged("level=DEBUG")

	// The old generation has gone; a stop ends the new one.
	d.stop()
	require.NoError(t, d.ended())
}

func TestReloadWaitsForASideWhileTheOldConfigurationWorks(t *testing.T) {
	d := newDaemon(t)
	d.start()
	other := "http://" + freeAddr(t)
	good := d.config
	d.config = replace(t, d.config, d.api.URL, other)
	d.reload()
	d.logged("side unreachable, will retry", "side=jira")
	d.works()
	// A second reload gives up the first.
	d.config = good
	d.reload()
	d.logged("configuration reloaded")
	d.works()
	require.Empty(t, d.log.find("level=ERROR"))
}

func TestReloadCorrectsAStartThatWaitsInVain(t *testing.T) {
	d := newDaemon(t)
	good := d.config
	d.config = replace(t, d.config, d.api.URL, "http://"+freeAddr(t))
	d.write()
	d.launch()
	d.logged("side unreachable, will retry", "side=jira")
	d.config = "[nonsense]"
	d.reload()
	d.logged("level=ERROR", "configuration not reloaded")
	d.config = good
	d.reload()
	d.logged("configuration reloaded")
	d.ready()
	d.works()
}

func TestReloadReopensTheLogAlsoWhenItFails(t *testing.T) {
	d := newDaemon(t)
	file := filepath.Join(t.TempDir(), "log")
	d.config += fmt.Sprintf("[log]\noutput = %q\n", file)
	d.write()
	d.launch()
	wait := func(path, text string) {
		d.eventually(func(c *assert.CollectT) {
			content, err := os.ReadFile(path)
			require.NoError(c, err)
			require.Contains(c, string(content), text)
		})
	}
	wait(file, "subscribed to access requests")
	require.NoError(t, os.Rename(file, file+".1"))
	d.config += "format = \"xml\"\n"
	d.reload()
	wait(file, "configuration not reloaded")
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.Mkdir(file, 0o700))
	require.NoError(t, os.Remove(file))
	d.stop()
	require.NoError(t, d.ended())
}

func TestSecretsAreReloadedWhenTheirFilesChange(t *testing.T) {
	d := newDaemon(t)
	token := filepath.Join(t.TempDir(), "token")
	write := func(text string) { require.NoError(t, os.WriteFile(token, []byte(text), 0o600)) }
	write(fakejira.BotToken)
	d.config = replace(t, d.config, `api_token = "bot-token"`, fmt.Sprintf("api_token_file = %q", token))
	d.write()
	d.start()
	require.NoError(t, d.jira.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "renewed-token" }))
	id := d.request()
	d.eventually(func(c *assert.CollectT) {
		status, answer := d.admin("/readyz")
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Contains(c, answer, "jira: ")
	})
	write("")
	d.logged("level=ERROR", "secrets not reloaded, the old ones stay in use")
	write("renewed-token\n")
	d.logged("msg=\"secrets reloaded\"")
	d.eventually(func(c *assert.CollectT) { require.Len(c, d.issues(id), 1) })
	d.ready()
	require.NotContains(t, d.log.String(), "renewed-token")
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// selfSigned writes a certificate and its key.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return certFile, keyFile
}
