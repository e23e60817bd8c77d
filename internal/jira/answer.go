package jira

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// How long an answer is lies in the hands of everybody who may comment on an
// issue, edit it or move it. What is read of one is bounded, and so is what all
// workers hold at once.
const (
	// maxAnswer is the most bytes of an answer that are read, unless the call has
	// a limit of its own.
	maxAnswer = 10 << 20
	// maxWholeIssue is the most bytes of an issue that is read in one call, with
	// comments and changelog. A longer one is read in parts.
	maxWholeIssue = 1 << 20
	// smallAnswer is how many bytes every call may read without waiting.
	smallAnswer = 256 << 10
	// largeAnswers is how many answers longer than that are read at once.
	largeAnswers = 4
)

// errTooLong: the answer has more bytes than are read of it. Asking again does
// not help; asking for less does.
var errTooLong = errors.New("the answer is too long")

// largeSlots holds a token for each large answer that is being read.
type largeSlots chan struct{}

// answerReader reads the body of one answer up to a limit, and waits for a slot
// before it reads more than smallAnswer of it.
type answerReader struct {
	ctx   context.Context //nolint:containedctx // io.Reader takes none, and the reader lives no longer than the call
	body  io.Reader
	limit int64
	read  int64
	slots largeSlots
	held  bool
}

// Read implements io.Reader.
func (r *answerReader) Read(p []byte) (int, error) {
	if r.read >= smallAnswer && !r.held {
		select {
		case r.slots <- struct{}{}:
			r.held = true
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
	if int64(len(p)) > r.limit+1-r.read {
		p = p[:r.limit+1-r.read]
	}
	n, err := r.body.Read(p)
	if r.read += int64(n); r.read > r.limit {
		return n, errTooLong
	}
	return n, err
}

// release gives the slot back. It is called when the answer is decoded.
func (r *answerReader) release() {
	if r.held {
		<-r.slots
		r.held = false
	}
}

// streamed is an answer that is decoded while it is read, so that a long one is
// never in memory as a whole.
type streamed interface{ decodeFrom(d *json.Decoder) error }

// skipped is a value that is read and not kept.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

// decodeObject reads an object: the fields named by what is given for them, the
// others are skipped.
func decodeObject(d *json.Decoder, fields map[string]func() error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		text, _ := name.(string)
		if read, wanted := fields[text]; wanted {
			err = read()
		} else {
			err = d.Decode(&skipped{})
		}
		if err != nil {
			return err
		}
	}
	return expect(d, '}')
}

// decodeArray reads an array; one reads an element.
func decodeArray(d *json.Decoder, one func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := one(); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func expect(d *json.Decoder, delim json.Delim) error {
	token, err := d.Token()
	if err == nil && token != delim {
		return errNotJira
	}
	return err
}
