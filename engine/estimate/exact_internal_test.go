package estimate

import (
	"testing"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
	"github.com/stretchr/testify/require"
)

// The patterns are spelt out here because tiktoken-go gives them only together
// with a loader that is one for the process.
func TestPatternsAreTiktokens(t *testing.T) {
	tiktoken.SetBpeLoader(loader.NewOfflineLoader())
	texts := []string{
		"Don't cut THIS'LL wrong: it's 12345 items, isn't it?",
		"  indented\n\n\n\tcode() { return a/b; }\r\n\r\n//x",
		"größer Straße 漢字とかな العربية 한국어 हिन्दी 😀👩‍💻",
		"camelCaseAndHTTPServer snake_case <|endoftext|> \xff\xfe",
	}
	for enc := range Encoding(encodings) {
		t.Run(enc.String(), func(t *testing.T) {
			want, err := tiktoken.GetEncoding(enc.String())
			require.NoError(t, err)
			exact, err := NewExact(enc)
			require.NoError(t, err)
			for _, text := range texts {
				n, err := exact.Text(text)
				require.NoError(t, err)
				require.EqualValues(t, len(want.EncodeOrdinary(text)), n, "%q", text)
			}
		})
	}
}

// One stretch of letters costs the square of its length: what is let through
// must end soon, the rest must be refused at once.
func TestEffort(t *testing.T) {
	tests := []struct {
		name string
		text string
		want int64
	}{
		{"empty", "", 0},
		{"words", "four four", 16 + 1 + 16},
		{"digits stand alone", "12345", 5},
		{"marks join", "e\u0301e\u0301", 36},
		{"symbols", "a-----", 1 + 25},
		{"beyond ASCII", "漢字、", 36 + 9},
		{"invalid bytes", "\xff\xff", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, effort(tt.text)) })
	}
}

func BenchmarkLoad(b *testing.B) {
	for enc := range Encoding(encodings) {
		b.Run(enc.String(), func(b *testing.B) {
			for b.Loop() {
				exact, err := load(enc)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := exact.Text("first use"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
