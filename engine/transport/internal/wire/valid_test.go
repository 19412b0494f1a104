package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// What is JSON is what encoding/json takes for it.
func FuzzValid(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, `[]`, ` { "a" : [ 1 , -0.5e+10 , true , false , null , "x" ] } `, `{"a":1,}`, `[1,]`, `{,}`, `[1 2]`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{1:1}`,
		`01`, `-`, `-0`, `0.`, `.5`, `1e`, `1E+`, `1e5`, `+1`, `0x1`, `"\u00e9\n\"\\\/"`, `"\u00g0"`, `"\u00E9"`, `"\x"`, `"`, `"\`, `"\u12`, "\"a\tb\"", "\"\x7f\xff\"",
		`tru`, `truex`, `nul`, `{}{}`, `{"a":{"b":[[[{}]]]}}`, `[[}`, `{"a":[}`, `[{]`, "\"12345678\x1f\"", "\"1234567\\\"8\"", `"!!!!!!!!!!!!!!!!"`, "\xef\xbb\xbf{}",
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		"\"\u0010\"", "\"\\u\x10\x10\x10\x10\"", "\"\\u001\x19\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		require.Equal(t, json.Valid(text), wire.Valid(text), "%q", text)
	})
}

// Wherever a byte stands that ends a text, it is found.
func TestSpecial(t *testing.T) {
	for n := range 40 {
		text := []byte(strings.Repeat("\x7f\x80\xff !#[]", 5))[:n]
		require.Equal(t, n, wire.Special(text, 0))
		for i := range n {
			for _, c := range []byte{'"', '\\', 0, 0x1f, '\n'} {
				was := text[i]
				text[i] = c
				for from := range n {
					want := i
					if from > i {
						want = n
					}
					require.Equal(t, want, wire.Special(text, from))
				}
				text[i] = was
			}
		}
	}
}
