// Package filewatch notices that files changed, by their contents. It polls:
// secrets and certificates are replaced by rename, by symbolic links that are
// switched (Kubernetes) and on file systems without notifications.
package filewatch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"
)

// Sum is a digest of the contents of some files. It does not print: whoever has
// the digest of a short secret can find the secret by trying.
type Sum [sha256.Size]byte

// Format implements fmt.Formatter and never shows the digest.
func (Sum) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler and never shows the digest.
func (Sum) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "<digest>"

// SumOf returns the digest of the files' contents, in their order. A file that
// can't be read counts as an empty one: it is reported where it is loaded.
func SumOf(files ...string) (sum Sum) {
	h := sha256.New()
	for _, f := range files {
		data, _ := os.ReadFile(f)
		part := sha256.Sum256(data)
		h.Write(part[:])
	}
	h.Sum(sum[:0])
	return sum
}

// Watch calls changed when the files' contents are no longer what sum says,
// looking once an interval until ctx ends, and again for each further change.
// sum has to be taken before the files are used, so that a change between is
// seen. It blocks.
func Watch(ctx context.Context, interval time.Duration, sum Sum, files []string, changed func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if now := SumOf(files...); now != sum {
				sum = now
				changed()
			}
		}
	}
}
