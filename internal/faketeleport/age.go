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
