package faketeleport

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOnBehalfRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := onBehalf{submittedBy: rapid.String().Draw(t, "by"), onBehalfOfAuthor: rapid.Bool().Draw(t, "flag")}
		out, err := parseOnBehalf(in.encode())
		require.NoError(t, err)
		require.Equal(t, in, out)
	})
}

func FuzzParseOnBehalf(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(onBehalf{submittedBy: "bot", onBehalfOfAuthor: true}.encode())
	f.Add([]byte{0x5a, 0xff})
	f.Add([]byte{0x60, 0x01, 0x58, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := parseOnBehalf(b)
		if err != nil {
			require.Zero(t, out)
			return
		}
		again, err := parseOnBehalf(out.encode())
		require.NoError(t, err)
		require.Equal(t, out, again)
	})
}

func FuzzParseNames(f *testing.F) {
	f.Add(``)
	f.Add(`resource.metadata.name == "a" || resource.metadata.name == "b\"c"`)
	f.Add(`resource.metadata.name == "a" && true`)
	f.Add(`resource.metadata.name == "\q"`)
	f.Fuzz(func(t *testing.T, predicate string) {
		names, err := parseNames(predicate)
		if err != nil {
			require.Nil(t, names)
			return
		}
		require.Equal(t, predicate == "", names == nil)
	})
}
