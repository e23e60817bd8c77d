// Package app puts the daemon together. It is the only package that knows all
// others; it decides nothing about requests and talks to nobody itself.
package app

import (
	"context"
	"fmt"
	"io"
	"os"

	"teleport-jira/internal/config"
)

// Options is what the command line says.
type Options struct {
	ConfigPath    string
	Debug         bool // log at DEBUG whatever the configuration says
	InsecureNoTLS bool // allow a webhook listener without a certificate
	Version       string
	Stderr        io.Writer
	Reload        <-chan os.Signal // each tick asks for a reload
}

// Run runs the daemon until ctx ends. The error is config.Faults where the
// configuration is at fault.
func Run(_ context.Context, o Options) error {
	c, err := config.Load(o.ConfigPath, config.Options{InsecureNoTLS: o.InsecureNoTLS})
	if err != nil {
		return err
	}
	for _, w := range c.Warnings {
		_, _ = fmt.Fprintln(o.Stderr, w)
	}
	_, err = fmt.Fprintf(o.Stderr, "%s: the configuration is valid\n", o.ConfigPath)
	return err
}
