package teleport

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"teleport-jira/internal/access"
)

// described is what a document of WriteSetup holds.
type described struct {
	Kind, Version string
	Metadata      struct{ Name string }
	Spec          struct {
		Roles   []string
		Options struct {
			MaxSessionTTL string `yaml:"max_session_ttl"`
		}
		Allow struct {
			Rules   []struct{ Resources, Verbs []string }
			Reviews *struct {
				Roles          []string
				SubmitForUsers []string `yaml:"submit_for_users"`
			} `yaml:"review_requests"`
		}
	}
}

// describe returns the documents that WriteSetup writes, and all it wrote.
func describe(t *testing.T, cfg Config) ([]described, string) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WriteSetup(&out, cfg, "/etc/teleport-jira.toml", ""))
	text := out.String()
	var all []described
	for docs := yaml.NewDecoder(&out); ; {
		var d described
		if docs.Decode(&d) != nil {
			break
		}
		all = append(all, d)
	}
	return all, text
}

// role is the document as the API shows it.
func (d described) role(t *testing.T) types.Role {
	t.Helper()
	spec := types.RoleSpecV6{}
	for _, r := range d.Spec.Allow.Rules {
		spec.Allow.Rules = append(spec.Allow.Rules, types.Rule{Resources: r.Resources, Verbs: r.Verbs})
	}
	if r := d.Spec.Allow.Reviews; r != nil {
		spec.Allow.ReviewRequests = &types.AccessReviewConditions{Roles: r.Roles}
	}
	role, err := types.NewRole(d.Metadata.Name, spec)
	require.NoError(t, err)
	return role
}

func TestSetupGivesWhatPreflightAsksFor(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"auto":      {},
		"review":    {ReviewMode: access.ModeReview},
		"on behalf": {ReviewMode: access.ModeOnBehalf, NeedUsers: true},
		"state":     {ReviewMode: access.ModeState},
		"all":       {ReviewMode: access.ModeReview, NeedUsers: true, NeedLocks: true, MonitoringRules: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Identity, cfg.Addr = "/var/lib/teleport-jira/identity", "teleport.example.com:443"
			docs, _ := describe(t, cfg)
			require.Len(t, docs, 2)
			own := rightsOf([]types.Role{docs[0].role(t)})
			for _, n := range append(baseNeeds(), cfg.furtherNeeds()...) {
				require.Equal(t, allowed, n.got(own), n.name)
			}
			mode := cfg.withDefaults().ReviewMode
			if mode == access.ModeAuto {
				mode = access.ModeReview
			}
			require.Empty(t, own.missingFor(mode))
			require.Equal(t, mode == access.ModeState, own.update == allowed, "no more than it needs")
			require.Equal(t, mode != access.ModeState, own.review, "no more than it needs")
			require.Equal(t, cfg.NeedUsers, own.users == allowed, "no more than it needs")
			require.Equal(t, cfg.NeedLocks, own.locks == allowed, "no more than it needs")
			require.Equal(t, []string{docs[0].Metadata.Name}, docs[1].Spec.Roles, "the user has the role")
		})
	}
}

func TestSetupTellsTheWayToTheIdentity(t *testing.T) {
	t.Parallel()
	const proxy, auth = "teleport.example.com:443", "auth.example.com:3025"
	for name, tc := range map[string]struct {
		cfg       Config
		documents int
		says      []string
	}{
		"renewed by tbot": {
			Config{Addr: proxy, Identity: "/srv/bot/identity", RefreshIdentity: true},
			1,
			[]string{"tctl bots add teleport-jira --roles=teleport-jira", "proxy_server: " + proxy, "path: /srv/bot\n"},
		},
		"renewed by tbot from an Auth Service": {
			Config{Addr: auth, Identity: "/srv/bot/identity", RefreshIdentity: true}, 1, []string{"auth_server: " + auth + "\n"},
		},
		"a file that lasts": {
			Config{Addr: proxy, Identity: "/srv/identity"}, 2, []string{"--format=file --ttl=720h --out=/srv/identity\n"},
		},
		"a key pair": {
			Config{Addr: auth, ClientKey: "/srv/auth.key", ClientCrt: "/srv/auth.crt", RootCAs: "/srv/auth.cas"},
			2,
			[]string{"--format=tls --ttl=720h --out=/srv/auth\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs, text := describe(t, tc.cfg)
			require.Len(t, docs, tc.documents)
			require.Equal(t, tc.documents == 2, docs[0].Spec.Options.MaxSessionTTL == "720h")
			for _, s := range tc.says {
				require.Contains(t, text, s)
			}
			for line := range strings.Lines(text) {
				require.Equal(t, strings.TrimRight(line, " \n"), strings.TrimSuffix(line, "\n"))
			}
		})
	}
}
