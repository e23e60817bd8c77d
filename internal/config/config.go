// Package config is the configuration of teleport-jira: its types, defaults,
// strict decoding from TOML, and validation. The comments on the fields are
// the manual: docs/configuration.md is made from them.
//
// It reads the configuration file and the secret files that it names, and
// nothing else: whether an identity, a certificate or a project is any good is
// for the packages that use them. It does not log and opens no connection.
package config

import (
	"time"

	"teleport-jira/internal/filewatch"
)

// DefaultPath is where the configuration is looked for unless --config names another.
const DefaultPath = "/etc/teleport-jira.toml"

// Config is a complete, valid configuration. It is never changed after Load
// returned it; a reload makes a new one.
type Config struct {
	// How the daemon reaches the Teleport cluster.
	Teleport Teleport `toml:"teleport"`
	// How the daemon reaches Jira, and what the issues look like there.
	Jira Jira `toml:"jira"`
	// The webhook listener, where Jira reports that an issue changed.
	HTTP HTTP `toml:"http"`
	// How a decision made in Jira becomes one in Teleport, and whose counts.
	Review Review `toml:"review"`
	// What the issue says of the access that an approved request gives.
	Access Access `toml:"access"`
	// How much is done at once, and how often everything is reconciled again.
	Reconcile Reconcile `toml:"reconcile"`
	// The admin listener with metrics and health.
	Telemetry Telemetry `toml:"telemetry"`
	// The daemon's log.
	Log Log `toml:"log"`

	// Warnings are oddities that an operator should know of and that do not
	// stop the daemon, such as a secret that everybody on the host may read.
	Warnings []Fault `toml:"-"`

	// SecretsSum is the digest of the files that SecretFiles lists, taken before
	// they were read: a file that changed since does not match it.
	SecretsSum filewatch.Sum `toml:"-"`
}

// Teleport is the section [teleport].
type Teleport struct {
	// Address of the Proxy Service (port 443 or 3080) or of the Auth Service
	// (port 3025), as host:port. `auth_server` and `addr` are two names of one
	// key: give either.
	AuthServer string `toml:"auth_server"`
	// Older name of `auth_server`.
	Addr string `toml:"addr"`
	// Path of the identity file that `tbot` or `tctl auth sign --format=file`
	// writes. Give either this or all of `client_key`, `client_crt` and
	// `root_cas`.
	Identity string `toml:"identity"`
	// Whether the identity file is read again when it changes, so that
	// short-lived identities can be renewed under the running daemon.
	RefreshIdentity bool `toml:"refresh_identity"`
	// How often the identity file is checked for changes.
	RefreshIdentityInterval time.Duration `toml:"refresh_identity_interval"`
	// Path of the client's private key, from `tctl auth sign --format=tls`.
	ClientKey string `toml:"client_key"`
	// Path of the client's certificate, from `tctl auth sign --format=tls`.
	ClientCrt string `toml:"client_crt"`
	// Path of the cluster's CA certificates, from `tctl auth sign --format=tls`.
	RootCAs string `toml:"root_cas"`
	// Path of a PEM file with CA certificates that are trusted beside the
	// system's, for a Proxy Service whose web certificate is of a private CA or
	// signed by itself. It is read again at each connect.
	CAFile string `toml:"ca_file"`
	// Name by which the cluster's access monitoring rules know this daemon: their
	// `notification.name`, `automatic_review.integration` or `plugin.spec.name`.
	PluginName string `toml:"plugin_name"`
	// Whether access monitoring rules are followed: `auto` is as far as the cluster
	// has them and the daemon's role may read them, `off` ignores them.
	AccessMonitoringRules string `toml:"access_monitoring_rules"`
}

// Jira is the section [jira].
type Jira struct {
	// Address of Jira: `https://example.atlassian.net`, a Data Center address
	// with its context path, or `https://api.atlassian.com/ex/jira/<cloud id>`.
	// It must be https, except on a loopback address.
	URL string `toml:"url"`
	// Account that the daemon works as: an e-mail address on Cloud, a user name
	// on Data Center. Empty means that `api_token` is a Data Center personal
	// access token.
	Username string `toml:"username"`
	// API token, password or personal access token. A value that begins with
	// `/` is the path of a file that holds it, as with `api_token_file`.
	APIToken Secret `toml:"api_token"`
	// Path of a file that holds the API token. It is read again on SIGHUP and
	// when it changes.
	APITokenFile SecretFile `toml:"api_token_file"`
	// A client of OAuth 2.0 in place of `username` and `api_token`.
	OAuth OAuth `toml:"oauth"`
	// Ids of the accounts that the daemon worked as before this one: account ids on
	// Cloud, user names on Data Center. Issues and comments that they made count as
	// its own.
	EarlierAccounts []string `toml:"earlier_accounts"`
	// Key of the project that issues are made in, unless a route says otherwise.
	Project string `toml:"project"`
	// Name or id of the type of the issues.
	IssueType string `toml:"issue_type"`
	// Kind of Jira: `auto` asks it, `cloud` and `datacenter` insist.
	Deployment string `toml:"deployment"`
	// Path of a PEM file with CA certificates that are trusted beside the
	// system's, for a Jira with a private CA.
	CAFile string `toml:"ca_file"`
	// Most calls in flight at once. The daemon starts lower and adapts to what
	// Jira bears.
	Concurrency int `toml:"concurrency"`
	// The daemon's own ceiling on calls a second. 0 means none but Jira's.
	RequestsPerSecond float64 `toml:"requests_per_second"`
	// Which statuses of the workflow stand for which state of a request.
	Statuses Statuses `toml:"statuses"`
	// What the issues look like. Everything is optional.
	Issue Issue `toml:"issue"`
	// Custom fields to fill: a field's id or name, and its value. Strings are
	// templates, anything else is sent as it is.
	Fields map[string]any `toml:"fields"`
	// Where issues of certain requests go. The first route that matches is
	// taken; where none does, the project above is.
	Routes []Route `toml:"routes"`
}

// OAuth is the section [jira.oauth]: the daemon gets short-lived access tokens with
// client credentials, as a service account on Cloud or by an incoming link on Data
// Center, and renews them by itself.
type OAuth struct {
	// Id of the client. Empty means that there is none.
	ClientID string `toml:"client_id"`
	// Secret of the client.
	ClientSecret Secret `toml:"client_secret"`
	// Path of a file that holds the secret. It is read again on SIGHUP and when it
	// changes.
	ClientSecretFile SecretFile `toml:"client_secret_file"`
	// Where tokens come from. Empty means `https://auth.atlassian.com/oauth/token`
	// for Cloud and `/rest/oauth2/latest/token` below `jira.url` for Data Center.
	TokenURL string `toml:"token_url"`
	// Scopes to ask for. Empty means `read:jira-work`, `write:jira-work` and
	// `read:jira-user` for Cloud, and `WRITE` for Data Center.
	Scopes []string `toml:"scopes"`
}

// Statuses is the section [jira.statuses]. Each is a status's name or id, or a
// list of them, and is matched without regard to case. Issues are moved to the
// first of a list that can be reached; any of them counts when an issue is
// moved there by a person.
type Statuses struct {
	// Statuses of issues whose request waits for a decision.
	Pending Names `toml:"pending"`
	// Statuses that approve a request.
	Approved Names `toml:"approved"`
	// Statuses that deny a request.
	Denied Names `toml:"denied"`
	// Statuses of issues whose request expired or was removed. An empty list
	// (`[]`) leaves them where they are, with a comment.
	Expired Names `toml:"expired"`
	// Statuses of issues whose request was promoted to an access list; by default
	// those of approved.
	Promoted Names `toml:"promoted"`
	// Statuses of issues whose request was approved and whose access has ended.
	// Empty leaves them where they are: a comment says it.
	Ended Names `toml:"ended"`
	// Statuses that end the access of an approved request at once, by a lock in
	// Teleport, when somebody moves its issue there who may decide it, has approved
	// it in Teleport, or made it. Empty means none.
	Revoked Names `toml:"revoked"`
}

// Issue is the section [jira.issue].
type Issue struct {
	// Template of the summary. Empty means who requested what.
	Summary string `toml:"summary"`
	// Template of the description. Empty means all there is to know about the
	// request.
	Description string `toml:"description"`
	// Labels put on every issue beside the one that finds it.
	Labels []string `toml:"labels"`
	// Names of the components put on every issue.
	Components []string `toml:"components"`
	// Name or id of the issues' priority. Empty means the project's default.
	Priority string `toml:"priority"`
	// Whom the issues are assigned to, named as in `review.approvers`. Empty means
	// the project's default.
	Assignee string `toml:"assignee"`
	// Who the issues' reporter is: `bot`, the daemon's account, or `requester`,
	// which falls back to `bot` where the requester is not found in Jira or the
	// daemon may not set the reporter.
	Reporter string `toml:"reporter"`
	// Who may read the daemon's comments: `public`, everybody who may read the
	// issue, or `internal`, the agents of a Jira Service Management project.
	CommentVisibility string `toml:"comment_visibility"`
}

// Route is one section [[jira.routes]]. A route with both roles and
// annotations matches where both do; one with neither matches every request.
type Route struct {
	// Globs on role names, in which `*` stands for any text and nothing else is
	// special; the route matches when any requested role matches any of them.
	Roles Names `toml:"roles"`
	// Annotations of the requester's roles; the route matches when each of them
	// has one of the values.
	Annotations map[string]Names `toml:"annotations"`
	// Key of the project. Empty means `jira.project`.
	Project string `toml:"project"`
	// Name or id of the issue type. Empty means `jira.issue_type`.
	IssueType string `toml:"issue_type"`
	// Labels beside the ones that every issue has.
	Labels []string `toml:"labels"`
	// Who may decide these requests, in place of `review.approvers` and
	// `review.approver_groups` and written like them. Whoever decides has to
	// satisfy every route that any requested role matches, not the first alone,
	// and the ones in `[review]` for roles that none matches.
	Approvers []string `toml:"approvers"`
	// Jira groups whose members may decide these requests.
	ApproverGroups []string `toml:"approver_groups"`
	// Whether these requests get no issue at all.
	Skip bool `toml:"skip"`
}

// HTTP is the section [http].
type HTTP struct {
	// Whether there is a webhook listener. Without it Jira is polled, and no
	// inbound port is needed.
	Enabled bool `toml:"enabled"`
	// Address the webhook listener listens on, as host:port or :port.
	ListenAddr string `toml:"listen_addr"`
	// Address at which Jira reaches the listener, for the daemon's own checks
	// and messages. Without a scheme it is https. A user and password in it are
	// taken as those of `[http.basic_auth]`.
	PublicAddr string `toml:"public_addr"`
	// Path of the listener's private key, in PEM. It is read again when it changes.
	HTTPSKeyFile string `toml:"https_key_file"`
	// Path of the listener's certificate chain, in PEM. It is read again when
	// it changes.
	HTTPSCertFile string `toml:"https_cert_file"`
	// Secret that the webhook is signed with in Jira. A list allows a new
	// secret beside the old one while it is being changed.
	WebhookSecret Secrets `toml:"webhook_secret"`
	// Path of a file that holds the webhook's secret, or a list of such paths.
	// They are read again on SIGHUP and when they change.
	WebhookSecretFile SecretFiles `toml:"webhook_secret_file"`
	// Name of a header that webhooks bring, with the value below, for
	// senders that can't sign, such as Jira Automation's *Send web request*.
	// Empty means none. Where `webhook_secret` or basic authentication is set
	// too, the header stands in place of them: webhooks bring the one or the other.
	HeaderName string `toml:"header_name"`
	// Secret value of that header, the whole of it.
	HeaderValue Secret `toml:"header_value"`
	// Path of a file that holds the header's value. It is read again on SIGHUP
	// and when it changes.
	HeaderValueFile SecretFile `toml:"header_value_file"`
	// User and password that webhooks have to bring.
	BasicAuth BasicAuth `toml:"basic_auth"`
	// Certificates that webhooks have to bring.
	TLS HTTPTLS `toml:"tls"`
}

// BasicAuth is the section [http.basic_auth]. Where it is set, webhooks must
// bring it; where `webhook_secret` is set too, they must bring both.
type BasicAuth struct {
	// User name. Empty means that no basic authentication is asked for.
	User string `toml:"user"`
	// Password.
	Password Secret `toml:"password"`
	// Path of a file that holds the password. It is read again on SIGHUP and
	// when it changes.
	PasswordFile SecretFile `toml:"password_file"`
}

// HTTPTLS is the section [http.tls].
type HTTPTLS struct {
	// Whether callers have to show a client certificate.
	VerifyClientCert bool `toml:"verify_client_cert"`
	// Path of a PEM file with the CA certificates that client certificates are
	// checked against. It must be set where `verify_client_cert` is true.
	ClientCAFile string `toml:"client_ca_file"`
}

// Review is the section [review].
type Review struct {
	// How a decision reaches Teleport: `review` submits an access review as the
	// daemon's Teleport user, `on_behalf` as the mapped Teleport user, `state`
	// sets the request's state directly. `auto` is `review` where the cluster
	// and the daemon's role allow it, else `state`: where the cluster has reviews,
	// that decides no request that asks for more than one person.
	Mode string `toml:"mode"`
	// Whether people may decide their own requests.
	AllowSelfApproval bool `toml:"allow_self_approval"`
	// Who may decide: `id:` and an account id (Cloud), `key:` and a user key or
	// `name:` and a user name (Data Center), `email:` and an address. Without such
	// a word it is an address if there is an @ in it, else the account id on
	// Cloud and the user name on Data Center, where `JIRAUSER` and digits is a
	// key. Empty here and in `approver_groups` means anybody who may move the
	// issue.
	Approvers []string `toml:"approvers"`
	// Who may not decide, named as in `approvers`: it wins over everything else.
	// Data Center has no account types, so that automation rules and customers
	// are ordinary users there: name their accounts here.
	Denied []string `toml:"denied"`
	// Jira groups whose members may decide: `name:` and a name, or `id:` and an
	// id. Without such a word it is the name, unless it has the form of an id. The
	// daemon's account needs the right to read them.
	ApproverGroups []string `toml:"approver_groups"`
	// Whether only reviewers that the request suggests may decide it. That is no
	// authorisation, since whoever requests names them: set `approvers` or
	// `approver_groups`, too.
	RequireSuggestedReviewer bool `toml:"require_suggested_reviewer"`
	// Whether a decision needs a reason: a comment `reason: …` by the person who
	// moves the issue, at most 10 minutes before the move or soon after it.
	RequireReason bool `toml:"require_reason"`
	// How long after it was made a move may still decide, such as one that nobody
	// saw while the daemon was away. "0" means that no move is too old.
	MaxDecisionAge time.Duration `toml:"max_decision_age"`
	// How Jira accounts are matched with Teleport users.
	Identity ReviewIdentity `toml:"identity"`
	// Teleport users by Jira account, which is named as in `approvers`. It goes
	// before everything in `[review.identity]`.
	Users map[string]string `toml:"users"`
}

// ReviewIdentity is the section [review.identity].
type ReviewIdentity struct {
	// Whether only accounts that map to exactly one Teleport user decide, in every
	// mode; whether that user exists now is Teleport's to say. Where `user_trait`,
	// `match_email` or `[review.users]` is set it is `true` unless it is written
	// as `false`.
	Required bool `toml:"required"`
	// Name of the Teleport trait that holds a user's Jira account id.
	UserTrait string `toml:"user_trait"`
	// Whether a Jira account's e-mail address is the Teleport user name.
	MatchEmail bool `toml:"match_email"`
	// Whether addresses say who people are on Data Center, where people may be
	// able to change their own. Set it only where the user directory is read-only.
	// Without it `match_email` and addresses in `approvers` and `[review.users]`
	// match nobody there. Cloud's addresses always count.
	TrustEmail bool `toml:"trust_email"`
}

// Access is the section [access].
type Access struct {
	// Whether the issue of an approved request says when and why its access ended.
	// Where `jira.statuses.ended` or `revoked`, or `max_duration` is set it is `true`.
	Track bool `toml:"track"`
	// How long access may last that was granted through Jira: then it is locked in
	// Teleport. "0" leaves it to Teleport.
	MaxDuration time.Duration `toml:"max_duration"`
}

// Reconcile is the section [reconcile].
type Reconcile struct {
	// How many requests are worked on at once.
	Workers int `toml:"workers"`
	// How often every request is reconciled again.
	ResyncInterval time.Duration `toml:"resync_interval"`
	// How often Jira is asked for issues that moved. "0" leaves it to webhooks
	// and the resync.
	PollInterval time.Duration `toml:"poll_interval"`
}

// Telemetry is the section [telemetry].
type Telemetry struct {
	// Address of the listener for /metrics, /healthz and /readyz, as host:port.
	// Empty means none. It is plain HTTP without authentication: keep it off
	// public networks.
	ListenAddr string `toml:"listen_addr"`
}

// Log is the section [log].
type Log struct {
	// Where the log goes: `stderr`, `stdout` or the path of a file, which is
	// opened again on SIGHUP.
	Output string `toml:"output"`
	// Least severity that is logged: `DEBUG`, `INFO`, `WARN` or `ERROR`.
	Severity string `toml:"severity"`
	// Form of the log's lines: `text` for people, `json` for machines.
	Format string `toml:"format"`
}

// Default is the configuration of an empty file. It is not valid: what has no
// sensible default is missing.
func Default() *Config {
	return &Config{
		Teleport: Teleport{
			RefreshIdentity:         true,
			RefreshIdentityInterval: time.Minute,
			PluginName:              "jira",
			AccessMonitoringRules:   "auto",
		},
		Jira: Jira{
			IssueType:   "Task",
			Deployment:  "auto",
			Concurrency: 128,
			Statuses: Statuses{
				Pending:  Names{"Pending"},
				Approved: Names{"Approved"},
				Denied:   Names{"Denied"},
				Expired:  Names{"Expired"},
			},
			Issue: Issue{Reporter: "bot", CommentVisibility: "public"},
		},
		HTTP:      HTTP{Enabled: true, ListenAddr: ":8081"},
		Review:    Review{Mode: "auto", MaxDecisionAge: 24 * time.Hour},
		Reconcile: Reconcile{Workers: 128, ResyncInterval: 10 * time.Minute, PollInterval: time.Minute},
		Log:       Log{Output: "stderr", Severity: "INFO", Format: "text"},
	}
}
