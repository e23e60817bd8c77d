package teleport

import "sync"

// warnings remembers what has been said, so that it is said once.
type warnings struct {
	mu   sync.Mutex
	said map[string]string
}

// news tells whether text differs from what was last said about topic, and
// remembers it.
func (w *warnings) news(topic, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last, ok := w.said[topic]; ok && last == text {
		return false
	}
	if w.said == nil {
		w.said = make(map[string]string)
	}
	w.said[topic] = text
	return true
}
