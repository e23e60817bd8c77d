package filewatch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/filewatch"
)

func TestSumTellsContentsApart(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "one")
	write(t, b, "two")
	before := filewatch.SumOf(a, b)
	require.Equal(t, before, filewatch.SumOf(a, b))
	require.NotEqual(t, before, filewatch.SumOf(b, a), "the order counts")
	write(t, a, "onet")
	write(t, b, "wo")
	require.NotEqual(t, before, filewatch.SumOf(a, b), "text that moves from one file to the next is a change")
	require.NoError(t, os.Remove(b))
	write(t, filepath.Join(dir, "empty"), "")
	require.Equal(t, filewatch.SumOf(a, filepath.Join(dir, "empty")), filewatch.SumOf(a, b))
}

func TestWatchCallsOnceAChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "old")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls, done := 0, make(chan struct{})
		sum := filewatch.SumOf(file)
		write(t, file, "changed before the watch began")
		go func() {
			defer close(done)
			filewatch.Watch(ctx, time.Second, sum, []string{file}, func() { calls++ })
		}()
		<-time.After(3 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, calls)
		write(t, file, "new")
		<-time.After(3 * time.Second)
		synctest.Wait()
		require.Equal(t, 2, calls)
		cancel()
		<-done
	})
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}
