package teleport

import (
	"context"
	"errors"
	"slices"
	"time"

	rulespb "github.com/gravitational/teleport/api/gen/proto/go/teleport/accessmonitoringrules/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/reflect/protoreflect"

	"teleport-jira/internal/access"
)

const (
	// rulePageSize is how many rules are listed at once.
	rulePageSize = 100
	// maxRules bounds how many rules are taken. Administrators write them by hand.
	maxRules = 10_000
	// ruleRetry is how soon rules are listed again that could not be.
	ruleRetry = 30 * time.Second
)

// MonitoringRules lists the cluster's access monitoring rules about Access
// Requests, by name. Without the right to, and on a server from before such
// rules, it is a Permanent error.
func (c *Client) MonitoringRules(ctx context.Context) ([]access.MonitoringRule, error) {
	var rules []access.MonitoringRule
	for token := ""; ; {
		page, err := call(ctx, c, methodListRules(), "",
			func(ctx context.Context, a api) (*rulespb.ListAccessMonitoringRulesWithFilterResponse, error) {
				page, next, err := a.AccessMonitoringRulesClient().ListAccessMonitoringRulesWithFilter(ctx,
					&rulespb.ListAccessMonitoringRulesWithFilterRequest{
						PageSize: rulePageSize, PageToken: token, Subjects: []string{types.KindAccessRequest},
					})
				return &rulespb.ListAccessMonitoringRulesWithFilterResponse{Rules: page, NextPageToken: next}, err
			})
		if err != nil {
			return nil, err
		}
		for _, raw := range page.GetRules() {
			if rule, ok := convertRule(raw); ok && len(rules) < maxRules {
				rules = append(rules, rule)
			}
		}
		next := page.GetNextPageToken()
		switch next {
		case "":
			slices.SortFunc(rules, byName)
			return rules, nil
		case token:
			return nil, &access.Error{Op: methodListRules().op, Class: access.Temporary, Err: errSamePage}
		}
		token = next
	}
}

func byName(a, b access.MonitoringRule) int {
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}

// convertRule converts a rule; false when it is not about Access Requests.
func convertRule(raw *rulespb.AccessMonitoringRule) (access.MonitoringRule, bool) {
	spec := raw.GetSpec()
	if raw.GetMetadata().GetName() == "" || !slices.Contains(spec.GetSubjects(), types.KindAccessRequest) {
		return access.MonitoringRule{}, false
	}
	rule := access.MonitoringRule{
		Name: raw.GetMetadata().GetName(), Condition: spec.GetCondition(), DesiredState: spec.GetDesiredState(),
		Notification: spec.GetNotification().GetName(), Recipients: slices.Clone(spec.GetNotification().GetRecipients()),
		Integration: spec.GetAutomaticReview().GetIntegration(), UnknownFields: hasUnknown(raw.ProtoReflect()),
	}
	switch spec.GetAutomaticReview().GetDecision() {
	case types.RequestState_APPROVED.String():
		rule.Decision = access.Approved
	case types.RequestState_DENIED.String():
		rule.Decision = access.Denied
	}
	if expires := raw.GetMetadata().GetExpires(); expires != nil {
		rule.Expires = utc(expires.AsTime())
	}
	return rule, true
}

// hasUnknown reports whether a message, or one within it, has fields that this
// version of the api does not know.
func hasUnknown(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		default:
			found = found || hasUnknown(v.Message())
		}
		return !found
	})
	return found
}

// UserTraits returns the traits of a Teleport user as they are now. known is false
// where the daemon's roles may not read users, which is logged once, and where
// there is no such user.
func (c *Client) UserTraits(ctx context.Context, user string) (traits map[string][]string, known bool, err error) {
	found, err := call(ctx, c, methodGetUser(), user,
		func(ctx context.Context, a api) (types.User, error) { return a.GetUser(ctx, user, false) })
	switch {
	case err == nil:
		return found.GetTraits(), true, nil
	case trace.IsAccessDenied(err):
		if c.logged.First("traits") {
			c.log.Warn("access monitoring rules that ask for user.traits do not match, users are not readable", "error", err)
		}
		return nil, false, nil
	case errors.Is(err, access.ErrNotFound):
		return nil, false, nil
	}
	return nil, false, err
}

// ruleWatch keeps the rules of one subscription and reports them. It belongs to
// the subscription's goroutine.
type ruleWatch struct {
	c       *Client
	handler EventHandler
	watched bool // changes come as events
	known   bool // rules are what the server has
	rules   map[string]access.MonitoringRule
	due     *time.Timer // when they are listed next; nil: rules are off
}

// newRuleWatch lists the rules before the subscription's first event is handled,
// so that no request is handled by older ones.
func (c *Client) newRuleWatch(ctx context.Context, handler EventHandler, watched bool) *ruleWatch {
	w := &ruleWatch{c: c, handler: handler, watched: watched}
	if c.cfg.MonitoringRules {
		w.due = time.NewTimer(settleDelay)
		w.list(ctx)
		if w.known {
			w.due.Reset(settleDelay) // The list may have come from a cache that is older than the subscription.
		}
	}
	return w
}

func (w *ruleWatch) stop() {
	if w.due != nil {
		w.due.Stop()
	}
}

// next fires when the rules have to be listed.
func (w *ruleWatch) next() <-chan time.Time {
	if w.due == nil {
		return nil
	}
	return w.due.C
}

// list reads the rules. Where they can't be had there are none; where the server
// fails those that are known stay.
func (w *ruleWatch) list(ctx context.Context) {
	w.due.Reset(w.c.cfg.RulesInterval)
	rules, err := w.c.MonitoringRules(ctx)
	w.c.noteRules(err, w.watched)
	if err != nil && access.ClassOf(err) != access.Permanent {
		w.due.Reset(min(ruleRetry, w.c.cfg.RulesInterval))
		return
	}
	w.known, w.rules = true, map[string]access.MonitoringRule{}
	for _, rule := range rules {
		w.rules[rule.Name] = rule
	}
	w.report()
}

// take handles an event; false when it is not about a rule.
func (w *ruleWatch) take(event types.Event) bool {
	if w.due == nil || event.Resource == nil || event.Resource.GetKind() != types.KindAccessMonitoringRule {
		return false
	}
	if !w.known {
		return true // The list that is due has it.
	}
	delete(w.rules, event.Resource.GetName())
	if raw, ok := event.Resource.(types.Resource153UnwrapperT[*rulespb.AccessMonitoringRule]); ok && event.Type == types.OpPut {
		if rule, ok := convertRule(raw.UnwrapT()); ok && len(w.rules) < maxRules {
			w.rules[rule.Name] = rule
		}
	}
	w.report()
	return true
}

func (w *ruleWatch) report() {
	rules := make([]access.MonitoringRule, 0, len(w.rules))
	for _, rule := range w.rules {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, byName)
	w.handler.OnMonitoringRules(rules)
}

// noteRules says once what became of reading the rules, and once more when that
// changes.
func (c *Client) noteRules(err error, watched bool) {
	outcome := "read"
	switch {
	case trace.IsNotImplemented(err):
		outcome = "too old"
	case trace.IsAccessDenied(err):
		outcome = "denied"
	case err != nil:
		outcome = "failed"
	case !watched:
		outcome = "not watched"
	}
	if !c.logged.Changed("monitoring rules", outcome) {
		return
	}
	switch outcome {
	case "too old":
		c.log.Info("the cluster is too old for access monitoring rules, it goes on without")
	case "denied":
		c.log.Info("access monitoring rules can't be read, it goes on without", "error", err,
			"fix", permRules().String()+`, or set teleport.access_monitoring_rules = "off"`)
	case "failed":
		c.log.Warn("access monitoring rules not read, those that are known stay in use", "error", err, "next_attempt_in", ruleRetry)
	case "not watched":
		c.log.Info("access monitoring rules can't be watched, they are listed instead", "interval", c.cfg.RulesInterval)
	default:
		c.log.Info("access monitoring rules are followed")
	}
}

// watchKinds are what a subscription asks for.
func (c *Client) watchKinds() types.Watch {
	watch := types.Watch{Kinds: []types.WatchKind{{Kind: types.KindAccessRequest}}}
	if c.cfg.MonitoringRules {
		watch.AllowPartialSuccess = true
		watch.Kinds = append(watch.Kinds, types.WatchKind{Kind: types.KindAccessMonitoringRule})
	}
	return watch
}

// grantedKinds returns which kinds the server granted by its first event: the
// requested ones where it does not say.
func grantedKinds(asked types.Watch, first types.Event) []string {
	kinds := asked.Kinds
	if status, ok := first.Resource.(types.WatchStatus); ok {
		kinds = status.GetKinds()
	}
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.Kind)
	}
	return names
}
