package ttlcache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/ttlcache"
)

func TestEntriesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ttlcache.New[string, int](10, time.Minute)
		c.Put("a", 1)
		c.PutFor("b", 2, time.Hour)
		<-time.After(time.Minute - 1)
		v, ok := c.Get("a")
		require.True(t, ok)
		require.Equal(t, 1, v)
		<-time.After(1)
		_, ok = c.Get("a")
		require.False(t, ok, "an entry lives less than its ttl")
		_, ok = c.Get("b")
		require.True(t, ok, "its own ttl counts")
	})
}

func TestWithoutTTLEntriesStayUntilRoomIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ttlcache.New[int, int](100, 0)
		c.Put(1, 1)
		<-time.After(1000 * time.Hour)
		_, ok := c.Get(1)
		require.True(t, ok)
		for i := range 10_000 {
			c.Put(i, i)
			require.LessOrEqual(t, c.Len(), 100)
			got, ok := c.Get(i)
			require.True(t, ok, "the newest entry is never the one that goes")
			require.Equal(t, i, got)
		}
	})
}

func TestExpiredEntriesMakeRoomFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ttlcache.New[int, int](20, time.Hour)
		for i := range 10 {
			c.PutFor(i, i, time.Second)
		}
		for i := range 10 {
			c.Put(100+i, i)
		}
		<-time.After(time.Second)
		c.Put(200, 0)
		for i := range 10 {
			_, ok := c.Get(100 + i)
			require.True(t, ok, "a live entry went although expired ones were there")
		}
	})
}

func TestPutOfAKnownKeyNeedsNoRoom(t *testing.T) {
	c := ttlcache.New[int, int](2, 0)
	c.Put(1, 1)
	c.Put(2, 2)
	c.Put(1, 3)
	v, ok := c.Get(1)
	require.True(t, ok)
	require.Equal(t, 3, v)
	_, ok = c.Get(2)
	require.True(t, ok)
	c.Delete(2)
	_, ok = c.Get(2)
	require.False(t, ok)
	c.Clear()
	require.Zero(t, c.Len())
}
