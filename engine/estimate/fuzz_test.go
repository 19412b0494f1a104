package estimate_test

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// FuzzText checks on any bytes that an estimate is between 1 and the number of
// bytes, the same each time, and does not shrink much when text is added.
func FuzzText(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.text, "more")
	}
	f.Add("\xff\xfe\x00\r\n\t ", "\u200d\ufe0f\U0010FFFF")
	f.Add("ÀÉÎaß", "ABCdef123")
	f.Fuzz(func(t *testing.T, text, more string) {
		for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
			n := estimate.Text(text, enc)
			if n > int64(len(text)) || n < 0 || n == 0 && text != "" {
				t.Fatalf("%s: %d tokens of %d bytes", enc, n, len(text))
			}
			if again := estimate.Text(text, enc); again != n {
				t.Fatalf("%s: %d tokens, then %d", enc, n, again)
			}
			// The piece at the seam may become another, cheaper one.
			longer := estimate.Text(text+more, enc)
			if float64(longer) < 0.9*float64(n)-8 {
				t.Fatalf("%s: %d tokens, with more text %d", enc, n, longer)
			}
		}
	})
}

// FuzzMessages checks on any chat that the count is at least what its parts
// have, or an error.
func FuzzMessages(f *testing.F) {
	f.Add("user", "mia", "hello", "part", "find", `{"properties":{"a":{"type":"string","enum":["x"]}}}`, 1)
	f.Add("", "", "", "", "", "", 0)
	f.Add("tool", "\xff", "漢字", "😀", "f.", `{"properties":{"a":{"items":{"anyOf":[{"properties":{"b":null}}]}}},"$defs":{"x":1}}`, -1)
	f.Fuzz(func(t *testing.T, role, name, content, part, tool, parameters string, images int) {
		chat := estimate.Chat{
			Messages: []estimate.Message{
				{Role: role, Name: name, Content: content, Images: images},
				{Parts: []string{part, content}, Calls: []estimate.Call{{Name: tool, Arguments: parameters}}},
			},
			Tools: []estimate.Tool{{Name: tool, Description: content, Parameters: parameters}},
		}
		for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
			n, err := estimate.Messages(enc, chat)
			if err != nil {
				if n != 0 {
					t.Fatalf("%d tokens and %v", n, err)
				}
				continue
			}
			least := int64(images)*estimate.ImageTokens + 2*estimate.Text(content, enc) + estimate.Text(part, enc)
			if n < least {
				t.Fatalf("%d tokens, want at least %d", n, least)
			}
			chat.Tools[0].Parameters = "{"
			if _, err := estimate.Messages(enc, chat); err == nil {
				t.Fatal("no error for parameters that are no JSON")
			}
			chat.Tools[0].Parameters = parameters
		}
	})
}
