package scan

import (
	"math/bits"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// pieces lists what a text consists of, by name.
func pieces(text string) map[string]uint32 {
	out := map[string]uint32{}
	for kind, n := range Count(text, new(Known)) {
		if n > 0 {
			out[Name(kind)] = n
		}
	}
	return out
}

func TestPieces(t *testing.T) {
	tests := []struct {
		text string
		want map[string]uint32
	}{
		{"", map[string]uint32{}},
		{"two words", map[string]uint32{"lower word of 3 after nothing": 1, "lower word of 5 after space": 1}},
		{"camelCase", map[string]uint32{"lower word of 5 after nothing": 1, "capital word of 4 after letter": 1}},
		{"HTTPServer", map[string]uint32{"upper word of 4 after nothing": 1, "capital word of 6 after letter": 1}},
		{"ABCd", map[string]uint32{"upper word of 2 after nothing": 1, "capital word of 2 after letter": 1}},
		{"I", map[string]uint32{"upper word of 1 after nothing": 1}},
		{"größer", map[string]uint32{"lower word of 6 after nothing": 1, "diacritics by tokens alone, class 1": 2}},
		{"e\u0301t", map[string]uint32{"lower word of 2 after nothing": 1, "combining marks 1": 1}},
		{"\u0301", map[string]uint32{"combining marks 1": 1}},
		{"ÉtÉ", map[string]uint32{"lower word of 3 after nothing": 1, "diacritics by tokens alone, class 1": 2}},
		{"abcdefghijklmnopq", map[string]uint32{"lower word of 14 after nothing": 1, "excess letters 1": 3}},
		{"1234 5", map[string]uint32{"digits by three 1": 3, "lone blank 1": 1}},
		{"x1y", map[string]uint32{"lower word of 1 after nothing": 1, "digits by three 1": 1, "lower word of 1 after digit": 1}},
		{"a.b", map[string]uint32{"lower word of 1 after nothing": 1, "symbol with a word, class 2": 1, "lower word of 1 after symbol": 1}},
		{"a .b", map[string]uint32{"lower word of 1 after nothing": 2, "single symbol 1": 1}},
		{"a();\n", map[string]uint32{"lower word of 1 after nothing": 1, "mixed symbols, one more than 2": 1, "symbol changes 1": 2, "newlines after symbol 1": 1}},
		{"-----", map[string]uint32{"same symbols, one more than 4": 1}},
		{"a\n\n    b", map[string]uint32{"lower word of 1 after nothing": 1, "newlines 2": 1, "indent 3": 1, "lower word of 1 after space": 1}},
		{"a  \nb", map[string]uint32{"lower word of 1 after nothing": 2, "newlines after blank 1": 1}},
		{"\t{", map[string]uint32{"lone blank 1": 1, "single symbol 1": 1}},
		{"привет мир", map[string]uint32{"Cyrillic run of 6": 1, "Cyrillic run of 3": 1, "Cyrillic runes": 9}},
		{"қи\u0306", map[string]uint32{"Cyrillic run of 3": 1, "Cyrillic runes": 3, "combining marks 1": 1, "other letters by tokens alone, class 1": 1, "other letters by tokens alone, class 4": 1}},
		{"か、カ", map[string]uint32{"Hiragana run of 1": 1, "Katakana run of 1": 1, "CJK punctuation run of 1": 1, "Hiragana runes": 1, "Katakana runes": 1, "CJK punctuation runes": 1}},
		{"的的", map[string]uint32{"Han run of 2": 1, "Han runes": 2, "Han and Hangul by tokens alone, class 1": 2}},
		{"👍🏽", map[string]uint32{"emoji run of 1": 1, "emoji runes": 1, "skin tone run of 1": 1, "skin tone runes": 1}},
		{"\xff\xff�", map[string]uint32{"invalid byte run of 2": 1, "invalid byte runes": 2, "other run of 1": 1, "other runes": 1, "other letters by tokens alone, class 1": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			require.Equal(t, tt.want, pieces(tt.text))
		})
	}
}

// A word that is one token is of another kind, with the space or without as it stands in
// the encoding, up to any length.
func TestKnown(t *testing.T) {
	known := (*Known)(PackKnown(slices.Values([]string{" two", "words", " internationalization", "größer", " мир", "a b", "=x", "\xff"})))
	for text, want := range map[string]map[string]uint32{
		" two two":              {"known lower word of 3 after space": 2},
		"two words":             {"lower word of 3 after nothing": 1, "lower word of 5 after space": 1},
		"words":                 {"known lower word of 5 after nothing": 1},
		" internationalization": {"known lower word of 14 after space": 1, "excess letters 1": 6},
		"größer":                {"known lower word of 6 after nothing": 1},
		" мир":                  {"known Cyrillic word": 1},
	} {
		for _, behind := range []string{"", "\n        "} { // the short cuts read eight bytes
			got := map[string]uint32{}
			for kind, n := range Count(text+behind, known) {
				if name := Name(kind); n > 0 && !strings.HasPrefix(name, "newline") && !strings.HasPrefix(name, "indent") {
					got[name] = n
				}
			}
			require.Equal(t, want, got, "%q", text+behind)
		}
	}
	ones := 0
	for _, b := range known {
		ones += bits.OnesCount8(b)
	}
	require.Equal(t, 5, ones, "what is not one word is not in the set")
}

// Whatever a text has, weighing its pieces is counting them and weighing the
// counts, and all of its kinds have names.
func FuzzSum(f *testing.F) {
	f.Add("some Words, 123\n\t漢字 é 😀 \xff")
	var w Weights
	for kind := range w {
		w[kind] = int32(kind*kind%977 + 1)
		_ = Name(kind)
	}
	f.Fuzz(func(t *testing.T, text string) {
		known := KnownO200K
		counts := Count(text, known)
		var want int64
		for kind, n := range counts {
			want += int64(n) * int64(w[kind])
		}
		if got := Sum(text, &w, known); got != want {
			t.Fatalf("sum = %d, want %d", got, want)
		}
		if text != "" && want == 0 {
			t.Fatal("no pieces")
		}
	})
}

func TestAlone(t *testing.T) {
	class := func(text string) int64 { return int64([]rune(text)[0] % 3) }
	table := PackAlone(func(s string) int64 { return 1 + class(s) }, func(string) int64 { return 9 })
	saved := aloneTable
	defer func() { aloneTable = saved }()
	aloneTable = (*[aloneRunes / 2]byte)(table)
	require.EqualValues(t, aloneRest, tokensAlone(0x10000))
	for _, r := range []rune{utf8.RuneSelf, 'é', 'һ', '漢', '한', 0xFFFF} {
		require.EqualValues(t, 3*(r%3)+2, tokensAlone(r), "%U", r)
	}
}

// The short cuts of scriptAt must decode what package utf8 does.
func TestScriptAt(t *testing.T) {
	check := func(text string) {
		t.Helper()
		want, wantSize := utf8.DecodeRuneInString(text)
		r, size, script := scriptAt(text, 0)
		if r != want || size != wantSize {
			t.Fatalf("%q: %U of %d bytes, want %U of %d", text, r, size, want, wantSize)
		}
		if want == utf8.RuneError && wantSize == 1 {
			require.Equal(t, invalid, script, "%q", text)
		} else {
			require.Equal(t, scriptOf(r), script, "%q", text)
		}
	}
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			check(string(r))
			check(string(r) + "..")
		}
	}
	for a := range 0x80 {
		for _, b := range []byte{0, 0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF} {
			for _, c := range []byte{0x20, 0x80, 0xBF, 0xC3} {
				check(string([]byte{byte(a + 0x80), b, c, c}))
			}
		}
	}
}

func TestScriptRanges(t *testing.T) {
	for i := 1; i < len(scriptRanges); i++ {
		require.Less(t, scriptRanges[i-1].first, scriptRanges[i].first)
	}
	for r, want := range map[rune]int{
		'é': latin, 'ệ': latin, 'ß': latin, 'Ω': greek, 'ж': cyrillic, 'א': hebrew, 'ع': arabic, 'ﻻ': arabic, 'न': devanagari, 'ক': bengali, 'ə': latin, '\u0301': mark, 'ໂ': lao, 'བ': tibetan, 'ქ': georgian,
		'ก': thai, 'Ա': armenian, 'ᄀ': jamo, '한': hangul, '漢': han, '㐀': hanRare, '𠀀': hanRare, 'か': hiragana, 'カ': katakana, '。': cjkPunctuation, '！': cjkPunctuation,
		'Ａ': fullWidth, '–': punctuation, '\u200d': emojiJoiner, '\ufe0f': emojiJoiner, '→': technical, '☀': dingbat, '😀': emoji, '🏽': emojiTone,
		'🇫': flag, '\uffff': otherLow, '\U0010FFFF': otherHigh,
	} {
		require.Equal(t, want, scriptOf(r), "%c", r)
	}
}
