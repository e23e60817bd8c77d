package config

import (
	"errors"
	"slices"
	"strings"
)

// LoadRules is Load for a running daemon, whose rules for deciding must follow
// the file even where another part of it is at fault. rules is the
// configuration where there is no fault; where there are some and none concerns
// the rules, it is what could be decoded, of which only the rules may be used;
// else it is nil.
func LoadRules(path string, o Options) (cfg, rules *Config, err error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, nil, Faults{{File: path, Msg: err.Error()}}
	}
	decoded, err := parse(path, data, o)
	var faults Faults
	switch {
	case err == nil:
		return decoded, decoded, nil
	case errors.As(err, &faults) && decoded != nil && !slices.ContainsFunc(faults, Fault.concernsRules):
		return nil, decoded, err
	}
	return nil, nil, err
}

// concernsRules reports whether the fault may leave it open who may decide, what
// a status means, or where a request is decided. A section that is not known
// may be a misspelt one of these.
func (f Fault) concernsRules() bool {
	section, _, _ := strings.Cut(f.Key, ".")
	section, _, _ = strings.Cut(section, "[")
	if !slices.Contains([]string{"teleport", "jira", "http", "reconcile", "telemetry", "log"}, section) {
		return true
	}
	return slices.ContainsFunc([]string{"jira.project", "jira.statuses", "jira.routes"}, func(part string) bool {
		return within(f.Key, part) || within(part, f.Key)
	})
}
