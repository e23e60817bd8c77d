package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/plan"
	"teleport-jira/internal/wikitext/templates"
)

// projectPattern is a project key. Jira's default is stricter; Data Center's
// administrators may set their own pattern.
var projectPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// maxLabel is how long a Jira label may be, in characters.
const maxLabel = 255

// hostPort checks an address of the form host:port or :port.
func (v *validator) hostPort(key, addr string) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fault(key, fmt.Sprintf("must be an address such as example.com:443, not %q", addr))
	}
}

// oneOf checks a value that is one of a few words; an empty one becomes the
// first of them, which is the default.
func (v *validator) oneOf(key string, value *string, words ...string) {
	if *value == "" {
		*value = words[0]
	}
	if !slices.Contains(words, *value) {
		v.fault(key, fmt.Sprintf("must be one of %s, not %q", strings.Join(words, ", "), *value))
	}
}

// between checks a number.
func (v *validator) between(key string, n, lowest, highest int) {
	if n < lowest || n > highest {
		v.fault(key, fmt.Sprintf("must be between %d and %d, not %d", lowest, highest, n))
	}
}

// atLeast checks a duration.
func (v *validator) atLeast(key string, d, shortest time.Duration) {
	if d < shortest {
		v.fault(key, fmt.Sprintf("must be at least %s, not %s", shortest, d))
	}
}

// project checks a project key, if there is one, and writes it the way Jira does.
func (v *validator) project(key string, project *string) {
	upper := strings.ToUpper(*project)
	if *project != "" && !projectPattern.MatchString(upper) {
		v.fault(key, fmt.Sprintf("must be a project key such as TAR, not %q", *project))
	}
	*project = upper
}

// labels checks labels by Jira's own rules.
func (v *validator) labels(key string, labels []string) {
	for i, label := range labels {
		if label == "" || strings.ContainsAny(label, " \t\r\n") || len([]rune(label)) > maxLabel {
			v.fault(index(key, i), fmt.Sprintf("must be a label without spaces of at most %d characters", maxLabel))
		}
	}
}

// noneEmpty checks that a list has no empty element.
func (v *validator) noneEmpty(key string, list []string) {
	for i, s := range list {
		if s == "" {
			v.fault(index(key, i), "must not be empty")
		}
	}
}

// glob checks a pattern for role names.
func (v *validator) glob(key, pattern string) {
	if _, err := plan.ParseGlob(pattern); err != nil {
		v.fault(key, fmt.Sprintf("must be a name or a pattern such as prod-*, not %q: %v", pattern, err))
	}
}

// template checks that a template can be used.
func (v *validator) template(key, text string, format templates.Format) {
	_, err := templates.Parse(key, text, format)
	var e *templates.Error
	if errors.As(err, &e) {
		v.fault(key, "is no valid template: "+e.Plainly())
	}
}

// field checks the templates within the value of a custom field.
func (v *validator) field(key string, value any) {
	switch of := value.(type) {
	case string:
		v.template(key, of, templates.Plain)
	case []any:
		for i, item := range of {
			v.field(index(key, i), item)
		}
	case map[string]any:
		for name, item := range of {
			v.field(join(key, name), item)
		}
	}
}
