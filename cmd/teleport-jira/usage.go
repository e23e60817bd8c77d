package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"text/template"

	"github.com/alecthomas/kingpin/v2"
)

// usage is kingpin's own template without what does not help here: --no- forms
// of flags that are off anyway, and a line to spare around everything.
const usage = `{{with .Context.SelectedCommand -}}
usage: teleport-jira {{.FullCommand}}{{if .Commands}} <command>{{end}}{{if or .Flags .Commands}} [flags]{{end}}

{{.Help}}
{{if .Commands}}
Commands:
{{commands .CmdGroupModel}}{{end -}}
{{else -}}
usage: {{.App.Name}} <command> [flags]

{{.App.Help}}

Commands:
{{commands .App.CmdGroupModel}}{{end}}
Flags:
{{flags .Context.Flags}}`

// usageFuncs returns the functions of the template.
func usageFuncs() template.FuncMap {
	return template.FuncMap{"commands": commandTable, "flags": flagTable}
}

// commandTable lists the commands, one a line.
func commandTable(group *kingpin.CmdGroupModel) string {
	return table(func(w *tabwriter.Writer) {
		for _, c := range group.FlattenedCommands() {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", c.FullCommand, c.Help)
		}
	})
}

// flagTable lists the flags that are meant for people, one a line.
func flagTable(flags []*kingpin.FlagModel) string {
	return table(func(w *tabwriter.Writer) {
		for _, f := range flags {
			if f.Hidden {
				continue
			}
			short, value := "    ", ""
			if f.Short != 0 {
				short = fmt.Sprintf("-%c, ", f.Short)
			}
			if !f.IsBoolFlag() {
				value = " " + f.PlaceHolder
			}
			_, _ = fmt.Fprintf(w, "  %s--%s%s\t%s\n", short, f.Name, value, f.Help)
		}
	})
}

// table aligns the columns that write separates with tabs.
func table(write func(*tabwriter.Writer)) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	write(w)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
