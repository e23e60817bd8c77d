package jira

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"
)

// TokenSource gives the API token or personal access token. It is asked before
// every call, so that a token file may change while the daemon runs. It has to
// be fast and safe for concurrent use, and its value is never logged.
type TokenSource func() string

// Deployment is the kind of Jira.
type Deployment string

// The deployments. Auto asks serverInfo.
const (
	Auto       Deployment = "auto"
	Cloud      Deployment = "cloud"
	DataCenter Deployment = "datacenter"
)

// Visibility is who sees the daemon's comments.
type Visibility string

// The visibilities. Internal is for Jira Service Management: customers do not
// see the comment.
const (
	Public   Visibility = "public"
	Internal Visibility = "internal"
)

// Reporter is who an issue is reported by.
type Reporter string

// The reporters. Requester falls back to Bot where the person is not found in
// Jira or may not be set.
const (
	Bot       Reporter = "bot"
	Requester Reporter = "requester"
)

// Config says which Jira to talk to, as whom, and what issues look like. The
// caller has validated it: the address, names and ranges are not checked again.
type Config struct {
	// URL is the address of Jira with its context path if it has one, or
	// https://api.atlassian.com/ex/jira/<cloud id>. https, except on loopback.
	URL string
	// Username goes with an API token. Empty means that the token is a Data
	// Center personal access token, or a scoped token sent as Bearer.
	Username string
	// Token is asked for the secret before every call. With OAuth it is not used.
	Token TokenSource
	// OAuth takes the place of Username and Token, unless nil.
	OAuth *OAuth
	// EarlierAccounts are the accounts that the daemon worked as before: ids on
	// Cloud, user names on Data Center. What they made counts as its own.
	EarlierAccounts []string
	// Deployment is Auto if empty.
	Deployment Deployment

	// CAFile names PEM certificates to trust beside the system's.
	CAFile string
	// RootCAs replaces the system's certificates; CAFile is added to them.
	RootCAs *x509.CertPool

	// Projects are the keys of all projects that issues are made in, and the
	// only ones that searches look at.
	Projects []string
	// Decisive are the statuses (names or ids) that mean that a request is
	// settled. Move never steps through one of them on its way to another status.
	Decisive []string
	// CommentVisibility is Public if empty.
	CommentVisibility Visibility
	// Issue is what issues look like.
	Issue IssueConfig

	// Concurrency is the most calls in flight; 0 means 128. The limit starts
	// at 4 and adapts to what Jira bears.
	Concurrency int
	// RequestsPerSecond is the daemon's own ceiling; 0 means none.
	RequestsPerSecond float64

	// ConnectTimeout bounds dialling and the TLS handshake; 0 means 10 s.
	ConnectTimeout time.Duration
	// HeaderTimeout bounds the wait for an answer to begin; 0 means 20 s.
	HeaderTimeout time.Duration
	// CallTimeout bounds one HTTP call with all waiting for limits; 0 means
	// 1 min. A context's own deadline holds too.
	CallTimeout time.Duration
}

// IssueConfig is what issues look like. Summary, Description and the strings
// within Fields are text/template templates over fields of templates.Data.
type IssueConfig struct {
	Summary     string   // plain text; empty means the built-in one
	Description string   // wiki markup; inserted values are escaped; empty means the built-in one
	Labels      []string // beside the label that finds the issue
	Components  []string // names
	Priority    string   // name
	Assignee    string   // account id, user name or e-mail
	Reporter    Reporter // Bot if empty
	// Fields are custom fields by id or name. A string is a template, any
	// other value goes to Jira as JSON; strings within it are templates too.
	Fields map[string]any
}

// withDefaults fills in what is empty.
func (c Config) withDefaults() Config {
	if c.OAuth != nil {
		c.Token = c.OAuth.Secret
	}
	def(&c.Deployment, Auto)
	def(&c.CommentVisibility, Public)
	def(&c.Issue.Reporter, Bot)
	def(&c.Concurrency, 128)
	def(&c.ConnectTimeout, 10*time.Second)
	def(&c.HeaderTimeout, 20*time.Second)
	def(&c.CallTimeout, time.Minute)
	return c
}

func def[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// validLabel reports whether Jira takes the label: 1 to 255 characters without
// blanks.
func validLabel(label string) bool {
	return label != "" && len(label) <= 255 && !strings.ContainsAny(label, " \t\r\n")
}

// roots are the certificates to trust; nil means the system's.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return c.RootCAs, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := c.RootCAs
	if pool == nil {
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, fmt.Errorf("system certificates: %w", err)
		}
	} else {
		pool = pool.Clone()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: no certificate in %s", c.CAFile)
	}
	return pool, nil
}
