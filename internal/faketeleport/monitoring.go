package faketeleport

import (
	"context"
	"maps"
	"slices"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"

	rulespb "github.com/gravitational/teleport/api/gen/proto/go/teleport/accessmonitoringrules/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// MonitoringRule describes an access monitoring rule about Access Requests.
type MonitoringRule struct {
	Name         string
	Subjects     []string // default: access_request
	Condition    string
	Notification string   // the plugin's name; "": none
	Recipients   []string // of the notification
	Integration  string   // of the automatic review; "": none
	Decision     string   // APPROVED or DENIED
	DesiredState string
	// Schedules plays a field that this version of the api does not know: it
	// arrives as bytes.
	Schedules bool
}

// RoleMonitoringRules may list and read access monitoring rules. It is no preset:
// administrators add its rule to the plugin's role.
const RoleMonitoringRules = "monitoring-rules"

// schedulesField is the number of the field schedules in a rule's specification,
// in newer servers.
const schedulesField = 8

func (r MonitoringRule) resource() *rulespb.AccessMonitoringRule {
	if len(r.Subjects) == 0 {
		r.Subjects = []string{types.KindAccessRequest}
	}
	spec := &rulespb.AccessMonitoringRuleSpec{Subjects: r.Subjects, Condition: r.Condition, DesiredState: r.DesiredState}
	if r.Notification != "" || len(r.Recipients) > 0 {
		spec.Notification = &rulespb.Notification{Name: r.Notification, Recipients: r.Recipients}
	}
	if r.Integration != "" {
		spec.AutomaticReview = &rulespb.AutomaticReview{Integration: r.Integration, Decision: r.Decision}
	}
	if r.Schedules {
		raw := protowire.AppendTag(nil, schedulesField, protowire.BytesType)
		spec.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, []byte("\n\x05night")))
	}
	return &rulespb.AccessMonitoringRule{
		Kind: types.KindAccessMonitoringRule, Version: types.V1, Metadata: &headerv1.Metadata{Name: r.Name}, Spec: spec,
	}
}

// PutMonitoringRule adds or replaces a rule and tells the watchers.
func (c *Cluster) PutMonitoringRule(r MonitoringRule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rule := r.resource()
	c.monitoring[r.Name] = rule
	c.emit(types.Event{Type: types.OpPut, Resource: types.Resource153ToLegacy(rule)})
}

// RemoveMonitoringRule deletes a rule and tells the watchers; nothing if there is
// none.
func (c *Cluster) RemoveMonitoringRule(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.monitoring[name]; !ok {
		return
	}
	delete(c.monitoring, name)
	c.emit(types.Event{Type: types.OpDelete, Resource: &types.ResourceHeader{
		Kind: types.KindAccessMonitoringRule, Version: types.V1, Metadata: types.Metadata{Name: name},
	}})
}

// ForgetMonitoringRule deletes a rule and tells nobody, as if its event were late.
func (c *Cluster) ForgetMonitoringRule(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.monitoring, name)
}

// mayWatch returns why the caller may not watch the kind. The lock is held.
func (c *Cluster) mayWatch(caller string, kind types.WatchKind, filter types.AccessRequestFilter) error {
	switch kind.Kind {
	case types.KindAccessRequest:
		if filter.User != caller && !c.may(caller, func(r Role) bool { return r.ListRequests }) {
			return denied(types.KindAccessRequest, types.VerbRead)
		}
		return nil
	case types.KindAccessMonitoringRule:
		if c.cfg.NoMonitoringRules {
			break
		}
		if c.cfg.NoRuleWatch || !c.may(caller, func(r Role) bool { return r.MonitoringRules }) {
			return denied(types.KindAccessMonitoringRule, types.VerbRead)
		}
		return nil
	}
	return trace.BadParameter("watcher does not support object kind %q", kind.Kind)
}

// monitoringService is the part of the service of access monitoring rules that
// lists.
type monitoringService struct {
	rulespb.UnimplementedAccessMonitoringRulesServiceServer
	cluster *Cluster
}

// ListAccessMonitoringRulesWithFilter implements
// rulespb.AccessMonitoringRulesServiceServer. All conditions of the filter have to
// hold.
func (s *monitoringService) ListAccessMonitoringRulesWithFilter(
	ctx context.Context, req *rulespb.ListAccessMonitoringRulesWithFilterRequest,
) (*rulespb.ListAccessMonitoringRulesWithFilterResponse, error) {
	const method = "ListAccessMonitoringRulesWithFilter"
	return call(ctx, s.cluster, method, func(caller string) (*rulespb.ListAccessMonitoringRulesWithFilterResponse, error) {
		if s.cluster.cfg.NoMonitoringRules {
			return nil, trace.NotImplemented("method %s not implemented", method)
		}
		return s.cluster.listMonitoringRules(caller, req)
	})
}

func (c *Cluster) listMonitoringRules(caller string, req *rulespb.ListAccessMonitoringRulesWithFilterRequest) (*rulespb.ListAccessMonitoringRulesWithFilterResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.MonitoringRules }) {
		return nil, trace.AccessDenied("%v, %v", denied(types.KindAccessMonitoringRule, types.VerbList), denied(types.KindAccessMonitoringRule, types.VerbRead))
	}
	size := int(req.PageSize)
	if size <= 0 || size > c.cfg.PageSize {
		size = c.cfg.PageSize
	}
	out := &rulespb.ListAccessMonitoringRulesWithFilterResponse{}
	for _, name := range slices.Sorted(maps.Keys(c.monitoring)) {
		rule := c.monitoring[name]
		if name < req.PageToken || !selects(req, rule.Spec) {
			continue
		}
		if len(out.Rules) == size {
			out.NextPageToken = name
			break
		}
		out.Rules = append(out.Rules, proto.CloneOf(rule))
	}
	return out, nil
}

func selects(req *rulespb.ListAccessMonitoringRulesWithFilterRequest, spec *rulespb.AccessMonitoringRuleSpec) bool {
	if slices.ContainsFunc(req.Subjects, func(subject string) bool { return !slices.Contains(spec.Subjects, subject) }) {
		return false
	}
	byName := req.NotificationName == "" || spec.GetNotification().GetName() == req.NotificationName
	return byName && (req.AutomaticReviewName == "" || spec.GetAutomaticReview().GetIntegration() == req.AutomaticReviewName)
}
