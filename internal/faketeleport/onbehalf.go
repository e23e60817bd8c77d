package faketeleport

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gravitational/teleport/api/types"
)

// Field numbers of AccessReview that newer servers know and this api module
// does not.
const (
	fieldSubmittedBy      = 11 // string
	fieldOnBehalfOfAuthor = 12 // bool
)

// onBehalf are the two fields as they travel among a review's unknown ones.
type onBehalf struct {
	submittedBy      string
	onBehalfOfAuthor bool
}

// SubmittedBy is the user who submitted the review in its author's name; empty
// where the author did, and for bytes that are no protocol buffer.
func SubmittedBy(rev types.AccessReview) string {
	wire, err := parseOnBehalf(rev.XXX_unrecognized)
	if err != nil {
		return ""
	}
	return wire.submittedBy
}

// encode is the fields as they go among a review's unknown ones.
func (o onBehalf) encode() []byte {
	var b []byte
	if o.submittedBy != "" {
		b = protowire.AppendTag(b, fieldSubmittedBy, protowire.BytesType)
		b = protowire.AppendString(b, o.submittedBy)
	}
	if o.onBehalfOfAuthor {
		b = protowire.AppendTag(b, fieldOnBehalfOfAuthor, protowire.VarintType)
		b = protowire.AppendVarint(b, protowire.EncodeBool(true))
	}
	return b
}

// parseOnBehalf finds the fields among a review's unknown ones. As everywhere
// in protocol buffers the last of several counts, and others are skipped.
func parseOnBehalf(b []byte) (onBehalf, error) {
	var out onBehalf
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return onBehalf{}, protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case num == fieldSubmittedBy && typ == protowire.BytesType:
			out.submittedBy, n = protowire.ConsumeString(b)
		case num == fieldOnBehalfOfAuthor && typ == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			out.onBehalfOfAuthor = protowire.DecodeBool(v)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return onBehalf{}, protowire.ParseError(n)
		}
		b = b[n:]
	}
	return out, nil
}
