package faketeleport

import (
	"maps"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
)

// pluginDataGrace is how long plugin data outlives the request's access.
const pluginDataGrace = time.Hour

// maxPluginData is the most bytes that all plugins may keep about a request.
const maxPluginData = 1_000_000

// pluginRecord is the data of all plugins about one request. It expires when
// its data's expiry says, whatever becomes of the request.
type pluginRecord struct {
	data  *types.PluginDataV3
	timer *time.Timer
}

// PluginData is a copy of what each plugin keeps about the request, keyed by
// the plugin's name; empty where there is nothing (any more).
func (c *Cluster) PluginData(id string) map[string]map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]map[string]string{}
	if rec, ok := c.pluginData[id]; ok {
		for plugin, entry := range rec.data.Entries() {
			out[plugin] = maps.Clone(entry.Data)
		}
	}
	return out
}

// PutPluginData writes a plugin's data without expectations, as an earlier
// program would have left it. NotFound when the request is gone and has none.
func (c *Cluster) PutPluginData(plugin, id string, set map[string]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.updatePluginDataLocked(types.PluginDataUpdateParams{
		Kind: types.KindAccessRequest, Resource: id, Plugin: plugin, Set: set,
	})
}

// DropPluginData forgets what all plugins keep about the request.
func (c *Cluster) DropPluginData(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rec, ok := c.pluginData[id]; ok {
		rec.timer.Stop()
		delete(c.pluginData, id)
	}
}

// expirePluginData forgets the data if its time is up, and leaves alone what was
// made anew since the timer fired.
func (c *Cluster) expirePluginData(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rec, ok := c.pluginData[id]; ok && !c.closed && !rec.data.Expiry().After(time.Now()) {
		delete(c.pluginData, id)
	}
}

// readPluginData is the API's GetPluginData. As in Teleport, the right to read
// requests includes it.
func (c *Cluster) readPluginData(caller string, filter types.PluginDataFilter) ([]*types.PluginDataV3, error) {
	if filter.Kind != types.KindAccessRequest {
		return nil, trace.BadParameter("unsupported resource kind %q", filter.Kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.ListRequests || r.PluginData }) {
		return nil, denied(types.KindAccessPluginData, types.VerbList)
	}
	if filter.Resource != "" {
		rec, ok := c.pluginData[filter.Resource]
		if !ok || !filter.Match(rec.data) {
			return nil, nil
		}
		return []*types.PluginDataV3{rec.data}, nil
	}
	var out []*types.PluginDataV3
	for _, id := range slices.Sorted(maps.Keys(c.pluginData)) {
		if data := c.pluginData[id].data; filter.Match(data) {
			out = append(out, data)
		}
	}
	return out, nil
}

// updatePluginDataFor is the API's UpdatePluginData. As in Teleport, the right
// to update requests includes it.
func (c *Cluster) updatePluginDataFor(caller string, params types.PluginDataUpdateParams) error {
	if params.Kind != types.KindAccessRequest {
		return trace.BadParameter("unsupported resource kind %q", params.Kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may(caller, func(r Role) bool { return r.UpdateRequests || r.PluginData }) {
		return denied(types.KindAccessPluginData, types.VerbUpdate)
	}
	return c.updatePluginDataLocked(params)
}

// updatePluginDataLocked replaces the stored data by a changed copy, so that
// what was handed out before does not change. The api module's own Update holds
// the rules for Set and Expect.
func (c *Cluster) updatePluginDataLocked(params types.PluginDataUpdateParams) error {
	if c.closed {
		return errClusterClosed
	}
	rec, exists := c.pluginData[params.Resource]
	if !exists {
		created, err := c.newPluginDataLocked(params.Resource)
		if err != nil {
			return err
		}
		rec = &pluginRecord{data: created}
	}
	data := utils.CloneProtoMsg(rec.data)
	if err := data.Update(params); err != nil {
		return trace.Wrap(err)
	}
	if data.Size() > maxPluginData {
		return trace.BadParameter("plugin data size limit exceeded")
	}
	if !exists {
		id := params.Resource
		rec.timer = time.AfterFunc(time.Until(data.Expiry()), func() { c.expirePluginData(id) })
		c.pluginData[id] = rec
	}
	rec.data = data
	return nil
}

func (c *Cluster) newPluginDataLocked(id string) (*types.PluginDataV3, error) {
	req, err := c.getLocked(id)
	if err != nil {
		return nil, trace.NotFound("no access request matching %q", id)
	}
	fresh, err := types.NewPluginData(id, types.KindAccessRequest)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	data, ok := fresh.(*types.PluginDataV3)
	if !ok {
		return nil, trace.BadParameter("plugin data of unexpected type %T", fresh)
	}
	data.SetExpiry(req.GetAccessExpiry().Add(pluginDataGrace))
	return data, nil
}
