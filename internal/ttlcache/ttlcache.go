// Package ttlcache is a bounded map whose entries expire. It starts no
// goroutine: entries are dropped when they are read after their time, or when
// room is needed. It may hold only what can be found out again.
package ttlcache

import (
	"sync"
	"time"
)

// Cache maps keys to values for a while. Its methods may be called
// concurrently. Losing an entry is always allowed.
type Cache[K comparable, V any] struct {
	limit int
	ttl   time.Duration

	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	ends  time.Time // zero: never
}

// New makes a cache of at most limit entries, each kept for ttl; ttl 0 keeps
// entries until room is needed.
func New[K comparable, V any](limit int, ttl time.Duration) *Cache[K, V] {
	return &Cache[K, V]{limit: limit, ttl: ttl, entries: map[K]entry[V]{}}
}

// Get returns the value for k; ok is false when there is none, or it expired.
func (c *Cache[K, V]) Get(k K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if ok && e.expired(time.Now()) {
		delete(c.entries, k)
		return value, false
	}
	return e.value, ok
}

// Put keeps value for k, from now on for the cache's ttl.
func (c *Cache[K, V]) Put(k K, value V) { c.PutFor(k, value, c.ttl) }

// PutFor is Put with another time to live; 0 keeps the entry until room is
// needed.
func (c *Cache[K, V]) PutFor(k K, value V, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if _, known := c.entries[k]; !known && len(c.entries) >= c.limit {
		c.makeRoom(now)
	}
	e := entry[V]{value: value}
	if ttl > 0 {
		e.ends = now.Add(ttl)
	}
	c.entries[k] = e
}

// Delete forgets k.
func (c *Cache[K, V]) Delete(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, k)
}

// Clear forgets everything.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
}

// Len counts the entries, expired ones that nobody asked for since included.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// makeRoom drops what has expired, and a tenth of the entries at random where
// that is nothing: whoever fills the cache on purpose makes a pass over it rare.
func (c *Cache[K, V]) makeRoom(now time.Time) {
	for k, e := range c.entries {
		if e.expired(now) {
			delete(c.entries, k)
		}
	}
	drop := 1 + c.limit/10
	for k := range c.entries {
		if len(c.entries) <= c.limit-drop {
			return
		}
		delete(c.entries, k)
	}
}

func (e entry[V]) expired(now time.Time) bool { return !e.ends.IsZero() && !now.Before(e.ends) }
