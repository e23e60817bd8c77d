package plan

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/predicate"
)

// reviewedState is the state that rules which review want requests to be in.
const reviewedState = "reviewed"

// byRule names a rule as the one who decides.
func byRule(name string) string { return "access monitoring rule " + access.CleanLine(name) }

// asksReview reports whether the rule asks the daemon to review requests.
func (r monitoringRule) asksReview(plugin string) bool {
	return r.Integration == plugin && r.Decision != "" && (r.DesiredState == "" || r.DesiredState == reviewedState)
}

// reviewFaults returns why a rule that names the daemon as its reviewer does not
// review.
func (r monitoringRule) reviewFaults() []RuleFault {
	switch {
	case r.Decision == "":
		return []RuleFault{{r.Name, "the decision of automatic_review is neither APPROVED nor DENIED: it does not review"}}
	case r.DesiredState != "" && r.DesiredState != reviewedState:
		return []RuleFault{{r.Name, fmt.Sprintf("desired_state %.40q is not %s: it does not review", r.DesiredState, reviewedState)}}
	case r.UnknownFields:
		return []RuleFault{{r.Name, "it has fields that this version does not know, such as schedules: it does not review"}}
	}
	return nil
}

// Reviews reports whether a rule may ask for reviews.
func (m *Monitoring) Reviews() bool {
	if m == nil {
		return false
	}
	for _, rule := range m.rules {
		if rule.asksReview(m.plugin) {
			return true
		}
	}
	return false
}

// Proposals returns what the rules ask the daemon to review: nothing where none
// matches; the first by name where all that match agree; a doubt where they
// disagree. An approval counts only if every rule that might deny the request is
// understood and does not: one whose condition, fields or traits can't be evaluated
// might. needTraits: that depends on the requesting user's traits, which are not
// known.
func (m *Monitoring) Proposals(req *access.Request, traits Traits, now time.Time) (all []Proposal, needTraits bool) {
	if !m.Reviews() || req == nil {
		return nil, false
	}
	in := m.input(req, traits)
	var approves, denies, unclear []string
	for _, rule := range m.rules {
		if !rule.asksReview(m.plugin) || rule.isOver(now) {
			continue
		}
		holds, err := rule.condition.Holds(in)
		needTraits = needTraits || errors.Is(err, predicate.ErrTraits)
		switch {
		case err == nil && !holds:
		case rule.Decision == access.Denied && (err != nil || rule.UnknownFields):
			unclear = append(unclear, rule.Name)
		case err != nil, rule.UnknownFields:
		case rule.Decision == access.Denied:
			denies = append(denies, rule.Name)
		default:
			approves = append(approves, rule.Name)
		}
	}
	return propose(approves, denies, append(unclear, m.unclear...)), needTraits
}

// propose weighs the rules that match, by name, and those that may.
func propose(approves, denies, unclear []string) []Proposal {
	one := Proposal{Source: SourceRule}
	switch {
	case len(approves) > 0 && len(denies) > 0:
		one.Doubt = fmt.Sprintf("Access monitoring rules disagree about this request: %s would approve it, %s would deny it. "+
			"None of them reviews it. Somebody has to decide it.", ruleList(approves), ruleList(denies))
	case len(approves) > 0 && len(unclear) > 0:
		one.Doubt = fmt.Sprintf("The access monitoring rule %s would approve this request. It does not, because %s may deny it, "+
			"which can't be told here: teleport-jira check says why. Somebody has to decide it.", ruleList(approves[:1]), ruleList(unclear))
	case len(approves) > 0:
		one.By, one.State = byRule(approves[0]), access.Approved
	case len(denies) > 0:
		one.By, one.State = byRule(denies[0]), access.Denied
	default:
		return nil
	}
	return []Proposal{one}
}

// maxRuleList bounds the rules that a comment names, in bytes.
const maxRuleList = 500

func ruleList(names []string) string { return access.List(names, maxRuleList) }

// reviewLine says what the rule reviews.
func (r monitoringRule) reviewLine() string {
	if r.Decision == access.Denied {
		return "requests that match are denied"
	}
	return "requests that match are approved"
}

// describe says what the rule comes to.
func (r monitoringRule) describe(plugin string) string {
	var parts []string
	if r.routes(plugin) {
		parts = append(parts, r.destination())
	}
	if r.asksReview(plugin) && !r.UnknownFields {
		parts = append(parts, r.reviewLine())
	}
	return strings.Join(parts, "; ")
}
