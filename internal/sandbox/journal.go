package sandbox

import (
	"bytes"
	"sync"
)

// Line is one line of the daemon's log, or a remark of the sandbox about it.
type Line struct {
	Seq  int    `json:"seq"` // counts from 1
	Text string `json:"text"`
	Mark bool   `json:"mark"` // true for a remark of the sandbox
}

// journalLines is how much of the log is kept, and journalLine how long a line
// may be.
const (
	journalLines = 500
	journalLine  = 4096
)

// journal keeps the newest lines of the daemon's log. Its methods may be
// called concurrently.
type journal struct {
	mu      sync.Mutex
	lines   []Line
	seq     int
	partial []byte
}

// Write implements io.Writer for the daemon's output.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.partial = append(j.partial, p...)
	for {
		line, rest, found := bytes.Cut(j.partial, []byte{'\n'})
		if !found && len(j.partial) < journalLine {
			return len(p), nil
		}
		j.add(string(line[:min(len(line), journalLine)]), false)
		j.partial = bytes.Clone(rest)
	}
}

// remark adds a line of the sandbox's own.
func (j *journal) remark(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(text, true)
}

func (j *journal) add(text string, mark bool) {
	j.seq++
	j.lines = append(j.lines, Line{Seq: j.seq, Text: text, Mark: mark})
	if len(j.lines) > journalLines {
		j.lines = append([]Line(nil), j.lines[len(j.lines)-journalLines:]...)
	}
}

// since returns the lines after the one with the given number, oldest first.
func (j *journal) since(seq int) []Line {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, line := range j.lines {
		if line.Seq > seq {
			return append([]Line(nil), j.lines[i:]...)
		}
	}
	return nil
}
