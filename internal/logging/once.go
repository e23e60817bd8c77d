package logging

import (
	"time"

	"teleport-jira/internal/ttlcache"
)

// maxKeys bounds what Once remembers; what is forgotten is logged
// once more.
const maxKeys = 10_000

// Once reports what is new, so that a condition that lasts is logged when it
// begins and not each time it is met. Its methods may be called concurrently.
type Once struct {
	said *ttlcache.Cache[string, string]
}

// NewOnce makes a Once that repeats a key after interval; 0 never repeats it.
func NewOnce(interval time.Duration) *Once {
	return &Once{said: ttlcache.New[string, string](maxKeys, interval)}
}

// First reports whether the key has not been logged yet, or not within the
// interval.
func (o *Once) First(key string) bool { return o.Changed(key, "") }

// Changed reports whether value is not the one last logged for the key.
func (o *Once) Changed(key, value string) bool {
	if old, ok := o.said.Get(key); ok && old == value {
		return false
	}
	o.said.Put(key, value)
	return true
}

// Forget makes the key new again: the condition has ended.
func (o *Once) Forget(key string) { o.said.Delete(key) }
