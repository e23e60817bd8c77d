package teleport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gravitational/teleport/api/client"

	"teleport-jira/internal/access"
)

// identity is what the daemon proves itself with: one loaded state of the
// identity file or the key pair, never changed once loaded.
type identity struct {
	creds   client.Credentials
	user    string    // the certificate's Teleport user
	expires time.Time // the certificate's end
	sum     [sha256.Size]byte
}

// errNoIdentity: the configuration names neither form completely.
var errNoIdentity = errors.New("no identity: set identity, or all of client_key, client_crt and root_cas")

// identityFiles are the files of cfg's identity, in a fixed order.
func (c Config) identityFiles() ([]string, error) {
	if c.Identity != "" {
		return []string{c.Identity}, nil
	}
	if c.ClientKey == "" || c.ClientCrt == "" || c.RootCAs == "" {
		return nil, errNoIdentity
	}
	return []string{c.ClientKey, c.ClientCrt, c.RootCAs}, nil
}

// identitySum is a digest of the files' contents, by which a change is seen:
// times and sizes miss a renewal that was restored or copied.
func identitySum(cfg Config) ([sha256.Size]byte, error) {
	files, err := cfg.identityFiles()
	if err != nil {
		return [sha256.Size]byte{}, identityError("", err)
	}
	h := sha256.New()
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return [sha256.Size]byte{}, identityError(path, err)
		}
		size := fmt.Sprintf("%d:", len(b))
		h.Write([]byte(size))
		h.Write(b)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// loadIdentity reads the identity from its files. It fails with a Permanent
// error that names the path when a file is missing, unreadable, incomplete or
// when the certificate has expired by now.
func loadIdentity(cfg Config, now time.Time) (identity, error) {
	sum, err := identitySum(cfg)
	if err != nil {
		return identity{}, err
	}
	id := identity{sum: sum}
	path := cfg.Identity
	if path != "" {
		if id.creds, err = client.NewDynamicIdentityFileCreds(path); err != nil {
			err = notWhole(err)
		}
	} else {
		path = cfg.ClientCrt
		id.creds, err = keyPair(cfg)
	}
	if err != nil {
		return identity{}, identityError(path, err)
	}
	cert, err := leaf(id.creds)
	if err != nil {
		return identity{}, identityError(path, err)
	}
	id.user, id.expires = cert.Subject.CommonName, cert.NotAfter
	if !now.Before(id.expires) {
		return identity{}, identityError(path, fmt.Errorf(
			"certificate of user %q expired at %s", id.user, id.expires.UTC().Format(time.RFC3339)))
	}
	return id, nil
}

// notWhole is why a file that was read is of no use. The older form of identity
// files has its SSH certificate in a second one, and the parser's last word on
// any other file is that this is missing, which misleads.
func notWhole(err error) error {
	const what = "it is no identity file, or not a whole one"
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(what)
	}
	return errors.New(what + ": " + words(err))
}

// keyPair loads the three PEM files as they are now. client.LoadKeyPair reads
// them anew at each use, which would mix an old key with a new certificate
// while they are being renewed, so their contents are kept.
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

// leaf is the client certificate that creds present.
func leaf(creds client.Credentials) (*x509.Certificate, error) {
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

// errIdentity: the identity is missing, unusable or refused.
var errIdentity = errors.New("identity")

// identityError is permanent: it repeats until somebody puts a good file there.
func identityError(path string, err error) error {
	return &access.Error{
		Op: "load identity", Key: path, Class: access.Permanent,
		Err: &cause{words: words(err), is: errIdentity, err: err},
	}
}
