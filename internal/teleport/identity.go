package teleport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gravitational/teleport/api/client"

	"teleport-jira/internal/access"
	"teleport-jira/internal/filewatch"
)

var (
	// errNoIdentity: the configuration has neither form complete.
	errNoIdentity = errors.New("no identity: set identity, or all of client_key, client_crt and root_cas")
	// errIdentity: the identity is missing, unusable or refused.
	errIdentity = errors.New("identity")
)

// identity is one loaded version of the identity file or the key pair. It is
// immutable.
type identity struct {
	creds   client.Credentials
	user    string        // the certificate's Teleport user
	began   time.Time     // the certificate's NotBefore
	expires time.Time     // the certificate's NotAfter
	sum     filewatch.Sum // of the files, taken before they were loaded
}

// identityFiles returns the files of the configured identity, in a fixed order.
func (c Config) identityFiles() ([]string, error) {
	if c.Identity != "" {
		return []string{c.Identity}, nil
	}
	if c.ClientKey == "" || c.ClientCrt == "" || c.RootCAs == "" {
		return nil, identityError("", errNoIdentity)
	}
	return []string{c.ClientKey, c.ClientCrt, c.RootCAs}, nil
}

// loadIdentity reads the identity from its files. It fails with a Permanent
// error that names the path when a file is missing, unreadable or incomplete,
// or the certificate has expired by now.
func loadIdentity(cfg Config, now time.Time) (identity, error) {
	files, err := cfg.identityFiles()
	if err != nil {
		return identity{}, err
	}
	id := identity{sum: filewatch.SumOf(files...)}
	// Read first: the parser reports a missing file as an invalid one.
	for _, path := range files {
		if _, err := os.ReadFile(path); err != nil {
			return identity{}, identityError(path, err)
		}
	}
	path := cfg.Identity
	if path != "" {
		if id.creds, err = client.NewDynamicIdentityFileCreds(path); err != nil {
			err = invalidFileError(err)
		}
	} else {
		path = cfg.ClientCrt
		id.creds, err = keyPair(cfg)
	}
	if err != nil {
		return identity{}, identityError(path, err)
	}
	cert, err := clientCertificate(id.creds)
	if err != nil {
		return identity{}, identityError(path, err)
	}
	id.user, id.began, id.expires = cert.Subject.CommonName, cert.NotBefore, cert.NotAfter
	if !now.Before(id.expires) {
		return identity{}, identityError(path, fmt.Errorf(
			"certificate of user %q expired at %s", id.user, id.expires.UTC().Format(time.RFC3339)))
	}
	return id, nil
}

// invalidFileError says that a file is not a complete identity file. The older
// form of identity files keeps its SSH certificate in a second file, and for
// any other content the parser reports that this second file is missing, which
// misleads.
func invalidFileError(err error) error {
	const text = "it is no identity file, or not a whole one"
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(text)
	}
	return errors.New(text + ": " + messageOf(err))
}

// keyPair loads the three PEM files once. client.LoadKeyPair reads them again
// at each handshake, which could combine an old key with a new certificate
// while they are being renewed.
func keyPair(cfg Config) (client.Credentials, error) {
	pem := make(map[string][]byte)
	for _, path := range []string{cfg.ClientCrt, cfg.ClientKey, cfg.RootCAs} {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		pem[path] = b
	}
	return client.KeyPair(pem[cfg.ClientCrt], pem[cfg.ClientKey], pem[cfg.RootCAs])
}

// clientCertificate returns the leaf certificate that creds present.
func clientCertificate(creds client.Credentials) (*x509.Certificate, error) {
	cfg, err := creds.TLSConfig()
	if err != nil {
		return nil, err
	}
	var cert *tls.Certificate
	switch {
	case cfg.GetClientCertificate != nil:
		if cert, err = cfg.GetClientCertificate(&tls.CertificateRequestInfo{}); err != nil {
			return nil, err
		}
	case len(cfg.Certificates) > 0:
		cert = &cfg.Certificates[0]
	}
	if cert == nil || len(cert.Certificate) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return x509.ParseCertificate(cert.Certificate[0])
}

// identityError is Permanent: it repeats until an operator replaces the file.
func identityError(path string, err error) error {
	return &access.Error{
		Op: "load identity", Key: path, Class: access.Permanent,
		Err: &apiError{message: messageOf(err), sentinel: errIdentity, err: err},
	}
}

// Run polls the identity files at the configured interval, if they are to be
// renewed, and logs when the identity in use is about to expire, until ctx ends.
// It returns nil then. A failed renewal is logged and tried again at the next
// poll, whether or not the files changed since; the connection in use stays.
func (c *Client) Run(ctx context.Context) error {
	ticker := time.NewTicker(c.cfg.RefreshInterval)
	defer ticker.Stop()
	for {
		c.warnExpiry(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if !c.cfg.RefreshIdentity {
			continue
		}
		if err := c.ReloadIdentity(ctx); err != nil && ctx.Err() == nil {
			user, expires := c.Identity()
			c.log.Warn("identity not renewed", "error", err, "teleport_user", user, "expires", expires,
				"fix", "see that tbot, or whoever renews the identity, writes a good one")
		}
	}
}

// expiryStage returns how near the end of the identity is: 0 when it is not near,
// 1 within three days of it, then 2 and 3, and 4 when it has expired. Identities
// that are renewed last an hour or so and are replaced long before their last
// quarter, which is where the stages begin for them.
func expiryStage(id identity, now time.Time) int {
	within, remaining := min(minRemaining, id.expires.Sub(id.began)/4), id.expires.Sub(now)
	stage := 0
	for _, end := range [...]time.Duration{within, within / 3, within / 12, 0} {
		if remaining <= end {
			stage++
		}
	}
	return stage
}

// warnExpiry logs once a stage that the identity in use expires.
func (c *Client) warnExpiry(now time.Time) {
	c.mu.Lock()
	id := c.conn.id
	c.mu.Unlock()
	stage := expiryStage(id, now)
	if stage == 0 || !c.logged.Changed("identity expiry", fmt.Sprint(id.expires, stage)) {
		return
	}
	attrs := []any{"teleport_user", id.user, "expires", id.expires}
	fix := "write a new identity before, and set refresh_identity = true so that it is taken up without a restart"
	if c.cfg.RefreshIdentity {
		fix = "see that tbot, or whoever renews the identity, is at work"
	}
	if !now.Before(id.expires) {
		c.log.Error("identity has expired", append(attrs, "fix", fix)...)
		return
	}
	attrs = append(attrs, "remaining", id.expires.Sub(now).Round(time.Second), "fix", fix)
	c.log.Warn("identity expires soon", attrs...)
}

// ReloadIdentity compares the identity files with the identity in use and, if
// they changed, connects with the new one and replaces the connection: calls
// in flight end on the old one, the watcher subscribes again. A file that is
// missing, half-written or expired, or a certificate that the cluster refuses,
// is an error and leaves the old identity in use. Unchanged files are an error
// only once their certificate has expired.
func (c *Client) ReloadIdentity(ctx context.Context) error {
	c.renewal.Lock()
	defer c.renewal.Unlock()
	files, err := c.cfg.identityFiles()
	if err != nil {
		return err
	}
	current, err := c.acquire()
	if err != nil {
		return renewalError(err)
	}
	old := current.id
	current.release()
	if filewatch.SumOf(files...) == old.sum {
		return expiryError(old, time.Now())
	}
	next, err := c.open(ctx)
	if err != nil {
		return err
	}
	if err := c.replace(next); err != nil {
		return renewalError(err)
	}
	c.log.Info("identity renewed", "teleport_user", next.id.user, "expires", next.id.expires)
	return nil
}

// expiryError is an error once the certificate has expired, and nil before.
func expiryError(id identity, now time.Time) error {
	if now.Before(id.expires) {
		return nil
	}
	return renewalError(fmt.Errorf("certificate of user %q expired at %s and its file has not been renewed",
		id.user, id.expires.UTC().Format(time.RFC3339)))
}

func renewalError(err error) error {
	return &access.Error{Op: "renew identity", Class: access.Permanent, Err: err}
}
