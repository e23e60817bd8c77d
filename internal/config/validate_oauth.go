package config

import (
	"cmp"
	"net/url"
	"strings"
)

// gateway is where tokens with scopes reach Jira Cloud, by the site's cloud id.
const gateway = "https://api.atlassian.com/ex/jira/"

// oauth checks the section [jira.oauth] and fills in what follows from jira.url.
func (v *validator) oauth() {
	j, o := &v.c.Jira, &v.c.Jira.OAuth
	if o.ClientID == "" {
		if len(o.ClientSecret) > 0 || o.ClientSecretFile != "" || o.TokenURL != "" || len(o.Scopes) > 0 {
			v.fault("jira.oauth.client_id", "must be set with the other keys of jira.oauth")
		}
		return
	}
	v.alone()
	o.complete(j.URL)
	if u, err := url.Parse(o.TokenURL); err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		v.fault("jira.oauth.token_url", "must be an https URL")
	}
}

// alone checks that the client is the one way to log in, with an address that takes
// its tokens.
func (v *validator) alone() {
	j, o := &v.c.Jira, &v.c.Jira.OAuth
	if len(o.ClientSecret) == 0 && o.ClientSecretFile == "" {
		v.fault("jira.oauth.client_secret", "must be set (or client_secret_file)")
	}
	if j.Username != "" {
		v.fault("jira.username", "excludes jira.oauth; give one or the other")
	}
	if len(j.APIToken) > 0 || j.APITokenFile != "" {
		v.fault("jira.api_token", "excludes jira.oauth; give one or the other")
	}
	if u, err := url.Parse(j.URL); err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".atlassian.net") {
		v.fault("jira.url", "must be "+gateway+"<cloud id> with jira.oauth; "+
			"https://"+u.Hostname()+"/_edge/tenant_info shows the cloud id")
	}
}

// complete fills in what follows from the address of Jira.
func (o *OAuth) complete(address string) {
	endpoint, scopes := strings.TrimRight(address, "/")+"/rest/oauth2/latest/token", []string{"WRITE"}
	if strings.HasPrefix(address, gateway) {
		endpoint, scopes = "https://auth.atlassian.com/oauth/token", []string{"read:jira-work", "write:jira-work", "read:jira-user"}
	}
	o.TokenURL = cmp.Or(o.TokenURL, endpoint)
	if len(o.Scopes) == 0 {
		o.Scopes = scopes
	}
}
