package wikitext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"on call": "on call",
		"the disk *is* full, 2*3, snake_case, - and -":                              "the disk *is* full, 2*3, snake_case, - and -",
		"see [https://x.example.com/CHG-1|https://x.example.com/CHG-1|smart-link] ": "see https://x.example.com/CHG-1 ",
		"see [the change|https://x.example.com/1]":                                  "see the change (https://x.example.com/1)",
		"see [https://x.example.com/1]":                                             "see https://x.example.com/1",
		"ask [mailto:bob@example.com]":                                              "ask bob@example.com",
		"[~accountid:557058:0b1c-2d3e] asked":                                       "@557058:0b1c-2d3e asked",
		"[~bob] asked":                                                              "@bob asked",
		`\[urgent\] \{quote\} a\-b \\ c`:                                            `[urgent] {quote} a-b \\ c`,
		"[urgent] list[0] []":                                                       "[urgent] list[0] []",
		"h1. Why\nbq. because\n{quote}it is{quote} {color:red}red{color}":           "Why\nbecause\nit is red",
		"{code:title=x|borderStyle=solid}rm -rf{code}":                              "rm -rf",
		"{panel:title=a}b{panel} {other} {{mono}}":                                  "b {other} {{mono}}",
		"[|https://x.example.com]":                                                  "https://x.example.com",
		"[a|b|c|d] [a||b]":                                                          "a (b) [a||b]",
		"[":                                                                         "[",
	} {
		require.Equal(t, want, Plain(text), text)
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"[a|b|smart-link]", `\[~x]`, "{quote}[{quote}", "h1. h2. x", "[~[a|b]]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := Plain(text)
		if len(plain) > len(text)+2*strings.Count(text, "|") {
			t.Fatalf("%q became %q", text, plain)
		}
		if !strings.ContainsAny(text, `[{\.`) && plain != text {
			t.Fatalf("%q became %q", text, plain)
		}
	})
}
