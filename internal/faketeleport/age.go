package faketeleport

import "time"

// Age makes a request have been made earlier. It ends when it would have anyway.
func (c *Cluster) Age(id string, by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, err := c.getLocked(id)
	if err != nil {
		return err
	}
	req := clone(stored)
	req.SetCreationTime(req.GetCreationTime().Add(-by))
	c.storeLocked(req)
	return nil
}

// ForgetPluginData deletes the request's plugin data, as the server does an hour
// after its access has ended.
func (c *Cluster) ForgetPluginData(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pluginData, id)
}
