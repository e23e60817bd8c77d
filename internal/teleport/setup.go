package teleport

import (
	_ "embed"
	"io"
	"path"
	"slices"
	"strings"
	"text/template"

	"teleport-jira/internal/access"
)

// SetupName is the name of the role, the user and the bot that WriteSetup describes.
const SetupName = "teleport-jira"

// authPort is the port of an Auth Service, as opposed to a Proxy Service.
const authPort = "3025"

//go:embed setup.yaml.tmpl
var setupText string

// setup is what the template is filled with.
type setup struct {
	Config
	Name, ConfigPath string
	Again            string // the flags of the command that writes this
	Mode             access.ReviewMode
	Needs            []permission
	// Bot: something renews the identity, and the role is a bot's; else it is a
	// user's.
	Bot bool
	// Directory is where tbot writes the identity.
	Directory string
	// Reaches is tbot's key for the address.
	Reaches string
	// Pair: the identity is a key pair in three files, Out and an ending.
	Pair bool
	Out  string
}

// WriteSetup writes what the cluster has to have for the configuration: the role,
// and the user where no bot is to have it, as YAML that `tctl create` takes, with
// the commands for an administrator in comments. configPath is the configuration's
// name in these commands, flags are further ones of the command that was given. It
// asks nobody.
func WriteSetup(w io.Writer, cfg Config, configPath, flags string) error {
	cfg = cfg.withDefaults()
	s := setup{
		Config: cfg, Name: SetupName, ConfigPath: configPath, Again: flags, Mode: cfg.ReviewMode,
		Bot: cfg.RefreshIdentity && cfg.Identity != "", Directory: path.Dir(cfg.Identity), Reaches: "proxy_server",
		Pair: cfg.Identity == "", Out: cfg.Identity,
	}
	if strings.HasSuffix(cfg.Addr, ":"+authPort) {
		s.Reaches = "auth_server"
	}
	if s.Pair {
		s.Out = strings.TrimSuffix(cfg.ClientKey, path.Ext(cfg.ClientKey))
	}
	s.Needs = cfg.permissions()
	return template.Must(template.New("setup").Parse(setupText)).Execute(w, s)
}

// permissions are all rules that the role has to have, one a kind.
func (c Config) permissions() []permission {
	var out []permission
	for _, n := range slices.Concat(baseNeeds(), c.furtherNeeds()) {
		out = append(out, n.permission)
	}
	if c.ReviewMode == access.ModeState {
		out[0].verbs += ", update"
	}
	if c.MonitoringRules {
		out = append(out, permRules())
	}
	return out
}

// Kind is the kind of resource of the rule.
func (p permission) Kind() string { return p.kind }

// Verbs are the verbs of the rule, separated by commas.
func (p permission) Verbs() string { return p.verbs }
