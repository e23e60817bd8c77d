package plan

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/predicate"
)

// DefaultPlugin is the name by which access monitoring rules know this daemon
// unless another is configured.
const DefaultPlugin = "jira"

// noRecipient is the recipient that stands for no issue.
const noRecipient = "none"

// maxIssueType bounds an issue type's name; Jira's are shorter.
const maxIssueType = 255

var projectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,254}$`)

// Recipient is where a rule wants issues: a project, and an issue type where it
// names one.
type Recipient struct {
	Project   string
	IssueType string // name or id; "": the configured one
	None      bool   // no issue
}

var errRecipient = errors.New("is not a project (PROJ), a project and an issue type (PROJ/Issue Type), or none")

// ParseRecipient reads a recipient of a rule.
func ParseRecipient(s string) (Recipient, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, noRecipient) {
		return Recipient{None: true}, nil
	}
	project, issueType, typed := strings.Cut(s, "/")
	r := Recipient{Project: strings.ToUpper(strings.TrimSpace(project)), IssueType: strings.TrimSpace(issueType)}
	if !projectKey.MatchString(r.Project) || typed && r.IssueType == "" || len(r.IssueType) > maxIssueType || r.IssueType != access.CleanLine(r.IssueType) {
		return Recipient{}, fmt.Errorf("recipient %.60q %w", s, errRecipient)
	}
	return r, nil
}

// String is the recipient as a rule writes it; "" for the zero Recipient.
func (r Recipient) String() string {
	switch {
	case r.None:
		return noRecipient
	case r.IssueType != "":
		return r.Project + "/" + r.IssueType
	}
	return r.Project
}

// Monitoring is the cluster's access monitoring rules as they concern this daemon.
// It is never changed.
type Monitoring struct {
	plugin string
	rules  []monitoringRule // by name
	// unclear are rules that may ask to deny requests, and whose conditions are not
	// understood.
	unclear []string
}

type monitoringRule struct {
	access.MonitoringRule
	condition *predicate.Condition
}

// RuleFault is why a rule, or a part of it, is not followed.
type RuleFault struct {
	Rule   string
	Detail string
}

// RuleLine is what a rule comes to, in words.
type RuleLine struct {
	Rule   string
	Detail string
}

// Describe says of each rule what it comes to.
func (m *Monitoring) Describe() []RuleLine {
	var lines []RuleLine
	for _, rule := range m.rules {
		if detail := rule.describe(m.plugin); detail != "" {
			lines = append(lines, RuleLine{rule.Name, detail})
		}
	}
	return lines
}

// destination says where the rule's issues go.
func (r monitoringRule) destination() string {
	var to []string
	for _, text := range r.Recipients {
		if recipient, err := ParseRecipient(text); err == nil {
			to = append(to, recipient.String())
		}
	}
	switch {
	case len(to) == 0:
		return "issues go where the configuration says: no recipient is a project"
	case to[0] == noRecipient:
		return "requests that match get no issue"
	}
	return "issues go to the first that can be used of " + strings.Join(to, ", ")
}

// NewMonitoring compiles the rules that know the daemon by the plugin's name. What
// can't be understood of them is a fault of that rule alone.
func NewMonitoring(plugin string, rules []access.MonitoringRule) (*Monitoring, []RuleFault) {
	m := &Monitoring{plugin: cmp.Or(plugin, DefaultPlugin)}
	var faults []RuleFault
	for _, rule := range rules {
		named := rule.Notification == m.plugin || rule.Integration == m.plugin
		if !named && (rule.Notification != "" || !strings.Contains(rule.Condition, "plugin.spec.name")) {
			continue // Another plugin's, or Teleport's own.
		}
		condition, err := predicate.Compile(rule.Condition)
		if err != nil {
			faults = append(faults, RuleFault{rule.Name, "condition: " + err.Error()})
			if rule.Integration == m.plugin && rule.Decision == access.Denied {
				m.unclear = append(m.unclear, rule.Name)
			}
			continue
		}
		one := monitoringRule{rule, condition}
		if one.routes(m.plugin) {
			faults = append(faults, one.recipientFaults()...)
		}
		if rule.Integration == m.plugin {
			faults = append(faults, one.reviewFaults()...)
		}
		m.rules = append(m.rules, one)
	}
	slices.SortStableFunc(m.rules, func(a, b monitoringRule) int { return strings.Compare(a.Name, b.Name) })
	return m, faults
}

// routes reports whether the rule says where issues go: it names the plugin, or
// leaves the name to its condition. A name and a condition both have to fit.
func (r monitoringRule) routes(plugin string) bool {
	named := r.Notification == plugin || r.Notification == "" && r.condition.NamesPlugin()
	return named && len(r.Recipients) > 0
}

func (r monitoringRule) recipientFaults() []RuleFault {
	var faults []RuleFault
	for _, recipient := range r.Recipients {
		if _, err := ParseRecipient(recipient); err != nil {
			faults = append(faults, RuleFault{r.Name, err.Error()})
		}
	}
	return faults
}

// isOver reports whether the rule has ended.
func (r monitoringRule) isOver(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// IsEmpty reports whether no rule concerns the daemon.
func (m *Monitoring) IsEmpty() bool { return m == nil || len(m.rules) == 0 }

// Equal reports whether both say the same. Nil is equal to nothing.
func (m *Monitoring) Equal(o *Monitoring) bool {
	return m != nil && o != nil && m.plugin == o.plugin && slices.Equal(m.unclear, o.unclear) &&
		slices.EqualFunc(m.rules, o.rules, func(a, b monitoringRule) bool { return reflect.DeepEqual(a.MonitoringRule, b.MonitoringRule) })
}

// Names returns the names of the rules, for people to read.
func (m *Monitoring) Names() []string {
	names := make([]string, 0, len(m.rules))
	for _, rule := range m.rules {
		names = append(names, access.CleanLine(rule.Name))
	}
	return names
}

// Traits are the traits of a requesting user, as far as they are known.
type Traits struct {
	Values map[string][]string
	Known  bool
}

// input is what conditions are evaluated with.
func (m *Monitoring) input(req *access.Request, traits Traits) predicate.Input {
	return predicate.Input{
		Roles: req.Roles, SuggestedReviewers: req.SuggestedReviewers, Annotations: req.Annotations, User: req.User,
		Reason: req.Reason, Created: req.Created, Expires: req.Expires,
		Traits: traits.Values, TraitsKnown: traits.Known, Plugin: m.plugin,
	}
}

// Routing is what the rules say about where a request's issue goes.
type Routing struct {
	Rule       string // the first by name that matches
	Recipients []Recipient
}

// Routing returns what the first matching rule says; nil when none matches.
// needTraits: that depends on the requesting user's traits, which are not known;
// a rule that asks for them does not match.
func (m *Monitoring) Routing(req *access.Request, traits Traits, now time.Time) (of *Routing, needTraits bool) {
	if m.IsEmpty() || req == nil {
		return nil, false
	}
	in := m.input(req, traits)
	for _, rule := range m.rules {
		if !rule.routes(m.plugin) || rule.isOver(now) {
			continue
		}
		holds, err := rule.condition.Holds(in)
		needTraits = needTraits || errors.Is(err, predicate.ErrTraits)
		if err != nil || !holds {
			continue
		}
		of = &Routing{Rule: rule.Name}
		for _, text := range rule.Recipients {
			if r, err := ParseRecipient(text); err == nil {
				of.Recipients = append(of.Recipients, r)
			}
		}
		return of, needTraits
	}
	return nil, needTraits
}

// Routed is where the issue of a request goes by a rule.
type Routed struct {
	Rule      string
	Recipient Recipient
}

// RouteFor returns where the request's issue goes: as it was decided when an
// attempt to make it began, else by a rule of the cluster's, else by the
// configured routes.
func (p Policy) RouteFor(s Snapshot) Route {
	route := p.RouteOf(s.Request)
	switch {
	case s.isBegun():
		if made, err := ParseRecipient(s.Record.Route); err == nil {
			route = p.RouteTo(made)
		}
	case s.Routed != nil:
		route = p.RouteTo(s.Routed.Recipient)
	}
	return route
}

// RouteTo returns the route to a rule's recipient.
func (p Policy) RouteTo(r Recipient) Route {
	return Route{Project: r.Project, IssueType: r.IssueType, Skip: r.None}.or(p.Default)
}

// isBegun reports whether the issue has been made, or may have been: a rule that
// changes later moves none.
func (s Snapshot) isBegun() bool {
	return s.Record.IssueID != "" || !s.Record.IsZero() && s.Record.Ambiguous != access.AttemptFailed
}

// NeedsRouting reports whether the rules of the cluster say where the request's
// issue goes: it has none yet.
func (s Snapshot) NeedsRouting() bool {
	return s.Request != nil && !s.Request.State.Settled() && !s.isBegun()
}

// routeNote is what the record keeps of the route: the recipient, where a rule
// chose it.
func (s Snapshot) routeNote() string {
	switch {
	case s.isBegun():
		return s.Record.Route
	case s.Routed != nil:
		return s.Routed.Recipient.String()
	}
	return ""
}

// decidingProject returns the project in which the request may be decided: the
// one that a rule chose when the issue was made, or that of the configured
// routes. That a rule chose it is believed if the rules of now do, or if the issue
// shows that it was made for this request there: what the record says anybody
// may have written who may write plugin data.
func (p Policy) decidingProject(s Snapshot) string {
	configured := p.RouteOf(s.Request).Project
	made, err := ParseRecipient(s.Record.Route)
	if err != nil || made.None {
		return configured
	}
	now := s.Routed != nil && s.Routed.Recipient.Project == made.Project
	there := s.Issue != nil && s.Issue.Origin == access.Origin{Request: s.ID, Project: made.Project}
	if now || there {
		return made.Project
	}
	return configured
}
