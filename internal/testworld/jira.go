package testworld

import (
	"fmt"

	"teleport-jira/internal/fakejira"
)

// Jira is a Jira's double and the site that serves it.
type Jira struct {
	*fakejira.Server
	Site *Site
}

// NewJira serves a Jira at a loopback address, which is its base URL unless the
// options have another. The caller has to call Close.
func NewJira(o fakejira.Options, addr string) (*Jira, error) {
	site := &Site{Addr: addr}
	if o.BaseURL == "" {
		o.BaseURL = site.URL()
	}
	server, err := fakejira.New(o)
	if err != nil {
		return nil, fmt.Errorf("make Jira: %w", err)
	}
	site.Handler = server
	if err := site.Start(); err != nil {
		server.Close()
		return nil, err
	}
	return &Jira{Server: server, Site: site}, nil
}

// Close stops the site and the double.
func (j *Jira) Close() {
	j.Site.Stop()
	j.Server.Close()
}

// Configure adds how the daemon logs in to this Jira and where it makes issues.
func (j *Jira) Configure(conf Config) { ConfigureJira(conf, j.Flavour(), j.Site.URL()) }

// ConfigureJira adds how the daemon logs in to a Jira at the URL, as the bot of
// fakejira.Board, and where it makes issues.
func ConfigureJira(conf Config, flavour fakejira.Flavour, url string) {
	conf.Set("jira", "url", url)
	conf.Set("jira", "project", "TAR")
	if flavour == fakejira.DataCenter {
		conf.Set("jira", "api_token", fakejira.BotPAT)
		return
	}
	conf.Set("jira", "username", fakejira.BotEmail)
	conf.Set("jira", "api_token", fakejira.BotToken)
}
