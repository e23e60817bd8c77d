package faketeleport

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/identityfile"
	"golang.org/x/crypto/ssh"
)

// joinPrincipal is in every user's SSH certificate; the api module's dynamic
// credentials log in with it.
const joinPrincipal = "-teleport-internal-join"

// KeyPair names the files that stand in for an identity file.
type KeyPair struct {
	Key     string // client_key
	Cert    string // client_crt
	RootCAs string // root_cas
}

// WriteIdentityFile writes an identity file for the user, as tctl auth sign and
// tbot do: by rename, so that nobody reads half of it. A ttl of zero or less
// makes one that has expired. The user need not exist.
func (c *Cluster) WriteIdentityFile(path, user string, ttl time.Duration) error {
	content, err := c.Identity(user, ttl)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, content, identityfile.FilePermissions); err != nil {
		return fmt.Errorf("write identity file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write identity file: %w", err)
	}
	return nil
}

// Identity is the content of an identity file, see WriteIdentityFile.
func (c *Cluster) Identity(user string, ttl time.Duration) ([]byte, error) {
	id, err := c.issue(user, ttl)
	if err != nil {
		return nil, err
	}
	content, err := identityfile.Encode(id)
	if err != nil {
		return nil, fmt.Errorf("encode identity of %q: %w", user, err)
	}
	return content, nil
}

// WriteKeyPair writes key, certificate and authorities as three files into the
// directory, as tctl auth sign --format=tls does.
func (c *Cluster) WriteKeyPair(dir, user string, ttl time.Duration) (KeyPair, error) {
	id, err := c.issue(user, ttl)
	if err != nil {
		return KeyPair{}, err
	}
	pair := KeyPair{
		Key:     filepath.Join(dir, "auth.key"),
		Cert:    filepath.Join(dir, "auth.crt"),
		RootCAs: filepath.Join(dir, "auth.cas"),
	}
	for path, content := range map[string][]byte{
		pair.Key: id.PrivateKey, pair.Cert: id.Certs.TLS, pair.RootCAs: id.CACerts.TLS[0],
	} {
		if err := os.WriteFile(path, content, identityfile.FilePermissions); err != nil {
			return KeyPair{}, fmt.Errorf("write key pair: %w", err)
		}
	}
	return pair, nil
}

// Credentials are the user's, without a file.
func (c *Cluster) Credentials(user string, ttl time.Duration) (client.Credentials, error) {
	content, err := c.Identity(user, ttl)
	if err != nil {
		return nil, err
	}
	return client.LoadIdentityFileFromString(string(content)), nil
}

// issue makes an identity: one key with a TLS and an SSH certificate, and the
// authorities that prove the cluster's hosts.
func (c *Cluster) issue(user string, ttl time.Duration) (*identityfile.IdentityFile, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal key: %w", err)
	}
	span := newValidity(ttl)
	tlsCert, err := c.certs.user.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: c.roleNames(user)},
		NotBefore:   span.from,
		NotAfter:    span.to,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key.Public())
	if err != nil {
		return nil, err
	}
	sshCert, err := c.certs.user.signSSH(key, ssh.Certificate{
		CertType:        ssh.UserCert,
		KeyId:           user,
		ValidPrincipals: []string{joinPrincipal, user},
	}, span)
	if err != nil {
		return nil, err
	}
	return &identityfile.IdentityFile{
		PrivateKey: encodePEM("PRIVATE KEY", keyDER),
		Certs: identityfile.Certs{
			SSH: ssh.MarshalAuthorizedKey(sshCert),
			TLS: encodePEM("CERTIFICATE", tlsCert),
		},
		CACerts: identityfile.CACerts{
			SSH: [][]byte{c.knownHosts()},
			TLS: [][]byte{c.certs.host.pem()},
		},
	}, nil
}

func (c *Cluster) roleNames(user string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users[user].Roles
}

// knownHosts is the host authority in the format of known_hosts.
func (c *Cluster) knownHosts() []byte {
	key := ssh.MarshalAuthorizedKey(c.certs.host.signer.PublicKey())
	return append([]byte("@cert-authority "+c.cfg.ClusterName+",*."+c.cfg.ClusterName+" "), key...)
}

// validity is a certificate's life. What has expired began an hour earlier.
type validity struct{ from, to time.Time }

func newValidity(ttl time.Duration) validity {
	now := time.Now()
	return validity{from: now.Add(min(ttl, 0) - time.Hour), to: now.Add(ttl)}
}

// signSSH completes and signs an SSH certificate for the key.
func (a *authority) signSSH(key *ecdsa.PrivateKey, cert ssh.Certificate, span validity) (*ssh.Certificate, error) {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("make ssh key: %w", err)
	}
	cert.Key = public
	cert.ValidAfter = uint64(span.from.Unix()) //nolint:gosec // no certificate is from before 1970
	cert.ValidBefore = uint64(span.to.Unix())  //nolint:gosec // likewise
	if err := cert.SignCert(rand.Reader, a.signer); err != nil {
		return nil, fmt.Errorf("sign ssh certificate: %w", err)
	}
	return &cert, nil
}
