package jira

import (
	"errors"
	"maps"
	"slices"
	"text/template"

	"teleport-jira/internal/wikitext/templates"
)

// wording is the parsed templates of an issue; nil ones are built in.
type wording struct {
	summary     *template.Template
	description *template.Template
	fields      map[string]any // strings are *template.Template
}

// parseTemplates parses and tries all templates and names every fault.
func parseTemplates(cfg IssueConfig) (*wording, error) {
	t := &wording{fields: map[string]any{}}
	var errs []error
	var err error
	if t.summary, err = templates.Parse("summary", cfg.Summary, templates.Plain); err != nil {
		errs = append(errs, err)
	}
	if t.description, err = templates.Parse("description", cfg.Description, templates.Wiki); err != nil {
		errs = append(errs, err)
	}
	for _, field := range slices.Sorted(maps.Keys(cfg.Fields)) {
		if t.fields[field], err = templates.ParseValue("fields."+field, cfg.Fields[field]); err != nil {
			errs = append(errs, err)
		}
	}
	return t, errors.Join(errs...)
}
