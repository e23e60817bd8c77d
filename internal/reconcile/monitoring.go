package reconcile

import (
	"context"
	"sync/atomic"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

const (
	// rulesRetry is how soon a request is looked at again whose issue has to wait for
	// the access monitoring rules.
	rulesRetry = time.Second
	// rulesPatience is how long after the first subscription that may be. A cluster
	// whose rules can't be read for longer goes on without them.
	rulesPatience = 30 * time.Second
)

// monitor is what this process knows of the cluster's access monitoring rules.
// Its methods may be called concurrently.
type monitor struct {
	on      bool // set once, before use, as what follows
	plugin  string
	current atomic.Pointer[plan.Monitoring] // nil: not known yet
	since   atomic.Pointer[time.Time]       // of the first subscription; nil before
	logged  *logging.Once                   // faults of rules
	traits  *ttlcache.Cache[string, plan.Traits]
}

func (m *monitor) init(o Options) {
	m.on, m.plugin, m.logged = o.MonitoringRules, o.Policy.Plugin, logging.NewOnce(0)
	m.traits = ttlcache.New[string, plan.Traits](maxRemembered, traitsTTL)
}

// subscribed notes that a subscription stands.
func (m *monitor) subscribed() {
	now := time.Now()
	m.since.CompareAndSwap(nil, &now)
}

// isAwaited reports whether the rules are about to be known.
func (m *monitor) isAwaited() bool {
	if !m.on || m.current.Load() != nil {
		return false
	}
	since := m.since.Load()
	return since == nil || time.Since(*since) < rulesPatience
}

// OnMonitoringRules takes the cluster's access monitoring rules: all of them, each
// time. Where they have changed all pending requests are looked at again; issues
// that exist stay where they are.
func (r *Reconciler) OnMonitoringRules(rules []access.MonitoringRule) {
	m, faults := plan.NewMonitoring(r.monitor.plugin, rules)
	for _, fault := range faults {
		if r.monitor.logged.Changed(fault.Rule+"\x00"+fault.Detail, "") {
			r.log.Warn("access monitoring rule is not followed in full",
				"rule", access.CleanLine(fault.Rule), "reason", access.CleanLine(fault.Detail))
		}
	}
	was := r.monitor.current.Swap(m)
	if m.Equal(was) {
		return
	}
	r.log.Info("access monitoring rules in use", "rules", m.Names())
	if was != nil {
		r.Resync()
	}
}

// readRouting finds out what the access monitoring rules say about where the
// request's issue goes.
func (r *Reconciler) readRouting(ctx context.Context, s *snapshot) error {
	if !r.monitor.on {
		return nil
	}
	if s.Record.Route != "" {
		if made, err := plan.ParseRecipient(s.Record.Route); err == nil && !made.None {
			r.tracker.Include(made.Project)
		}
	}
	fresh := s.NeedsRouting()
	if fresh && r.monitor.isAwaited() {
		s.awaitsRules = true
		return nil
	}
	m := r.monitor.current.Load()
	if m.IsEmpty() || !fresh && s.Record.Route == "" {
		return nil
	}
	of, needTraits := m.Routing(s.Request, plan.Traits{}, s.Now)
	if needTraits && fresh {
		values, known, err := r.cluster.UserTraits(ctx, s.Request.User)
		if err != nil {
			return err
		}
		of, _ = m.Routing(s.Request, plan.Traits{Values: values, Known: known}, s.Now)
	}
	if of == nil {
		return nil
	}
	return r.chooseRecipient(ctx, s, *of, fresh)
}

// chooseRecipient takes the first of a rule's recipients that can be used. Where
// none can the issue goes where the configuration says, which is logged once. Of
// an issue that exists only where the rules would send it matters.
func (r *Reconciler) chooseRecipient(ctx context.Context, s *snapshot, of plan.Routing, fresh bool) error {
	for _, recipient := range of.Recipients {
		routed := &plan.Routed{Rule: of.Rule, Recipient: recipient}
		switch made, _ := plan.ParseRecipient(s.Record.Route); {
		case !fresh && recipient.Project != made.Project:
			continue
		case !fresh, recipient.None:
			s.Routed = routed
			return nil
		}
		to := s.rules.policy.RouteTo(recipient)
		why, err := r.tracker.Usable(ctx, to.Project, to.IssueType)
		if err != nil {
			return err
		}
		if why == "" {
			s.Routed = routed
			return nil
		}
		if r.monitor.logged.Changed(of.Rule+"\x00"+recipient.String(), why) {
			r.log.Warn("recipient of an access monitoring rule can't be used, issues go elsewhere",
				"rule", access.CleanLine(of.Rule), "recipient", recipient.String(), "reason", why)
		}
	}
	return nil
}
