package scan

import "unicode/utf8"

// Scripts and other families of runes beyond ASCII.
const (
	han = iota
	hanRare
	hiragana
	katakana
	hangul
	cjkPunctuation
	fullWidth
	greek
	cyrillic
	hebrew
	arabic
	devanagari
	indic
	southEast
	punctuation
	technical
	dingbat
	emoji
	emojiJoiner
	emojiTone
	flag
	otherLow
	otherHigh
	invalid
	scriptCount

	latin = scriptCount // letters with diacritics: part of a word, not a script of their own
)

var scriptNames = [scriptCount]string{
	"Han", "rare Han", "Hiragana", "Katakana", "Hangul", "CJK punctuation", "full-width",
	"Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Indic", "South-East Asian",
	"punctuation", "technical symbol", "dingbat", "emoji", "emoji joiner", "skin tone", "flag letter",
	"other", "other beyond the BMP", "invalid byte",
}

// scriptRanges are in the order of their first rune, which begins a range that
// ends at the next. Blocks rather than characters: a few characters of a block
// that are something else make no difference.
var scriptRanges = [...]struct {
	first  rune
	script uint8
}{
	{0x80, punctuation},
	{0xC0, latin}, // × and ÷ among them
	{0x250, otherLow},
	{0x370, greek},
	{0x400, cyrillic},
	{0x530, otherLow},
	{0x590, hebrew},
	{0x600, arabic},
	{0x780, otherLow},
	{0x900, devanagari},
	{0x980, indic},
	{0xE00, southEast},
	{0x1100, otherLow},
	{0x1E00, latin},
	{0x1F00, greek},
	{0x2000, punctuation},
	{0x200D, emojiJoiner},
	{0x200E, punctuation},
	{0x2100, technical},
	{0x2600, dingbat},
	{0x2C00, otherLow},
	{0x3000, cjkPunctuation},
	{0x3040, hiragana},
	{0x30A0, katakana},
	{0x3100, otherLow},
	{0x3400, hanRare},
	{0x4E00, han},
	{0xA000, otherLow},
	{0xAC00, hangul},
	{0xD7B0, otherLow},
	{0xFB50, arabic},
	{0xFE00, emojiJoiner},
	{0xFE10, otherLow},
	{0xFE70, arabic},
	{0xFEFF, otherLow},
	{0xFF00, cjkPunctuation},
	{0xFF10, fullWidth},
	{0xFF1A, cjkPunctuation},
	{0xFF21, fullWidth},
	{0xFF3B, cjkPunctuation},
	{0xFF41, fullWidth},
	{0xFF5B, cjkPunctuation},
	{0xFF66, otherLow},
	{0x10000, otherHigh},
	{0x1F000, emoji},
	{0x1F1E6, flag},
	{0x1F200, emoji},
	{0x1F3FB, emojiTone},
	{0x1F400, emoji},
	{0x1FB00, otherHigh},
	{0x20000, hanRare},
	{0x32000, otherHigh},
}

const (
	pageBits = 5
	mixed    = 0xFF // the runes of this page are of several scripts
)

// pages holds the script of each page of 32 runes below U+10000, so that most
// runes need no search.
var pages = func() (t [0x10000 >> pageBits]uint8) {
	for i, r := range scriptRanges {
		last := rune(0xFFFF)
		if i+1 < len(scriptRanges) {
			last = min(last, scriptRanges[i+1].first-1)
		}
		for p := r.first >> pageBits; p <= last>>pageBits; p++ {
			t[p] = r.script
			if p<<pageBits < r.first || p<<pageBits+1<<pageBits-1 > last {
				t[p] = mixed
			}
		}
	}
	return t
}()

// scriptOf returns the script of a rune beyond ASCII.
func scriptOf(r rune) int {
	if r < 0x10000 {
		if s := pages[r>>pageBits]; s != mixed {
			return int(s)
		}
	}
	from, to := 0, len(scriptRanges) // the range is in [from, to)
	for to-from > 1 {
		if middle := (from + to) / 2; scriptRanges[middle].first <= r {
			from = middle
		} else {
			to = middle
		}
	}
	return int(scriptRanges[from].script)
}

// scriptAt returns the rune beyond ASCII at text[i], its size in bytes and its script.
func scriptAt(text string, i int) (r rune, size, script int) {
	if i+2 < len(text) {
		// Nearly all that is met is decoded here; the rest, and what is
		// wrong, below.
		b, c := text[i], text[i+1]^0x80
		switch {
		case b >= 0xC2 && b < 0xE0 && c < 0x40:
			r, size = rune(b&0x1F)<<6|rune(c), 2
		case (b > 0xE0 || b == 0xE0 && c >= 0x20) && b < 0xF0 && b != 0xED && c < 0x40:
			if d := text[i+2] ^ 0x80; d < 0x40 {
				r, size = rune(b&0x0F)<<12|rune(c)<<6|rune(d), 3
			}
		}
		if size > 0 {
			if s := pages[r>>pageBits]; s != mixed {
				return r, size, int(s)
			}
			return r, size, scriptOf(r)
		}
	}
	r, size = utf8.DecodeRuneInString(text[i:])
	if r == utf8.RuneError && size == 1 {
		return r, size, invalid
	}
	return r, size, scriptOf(r)
}

// latinAt returns the size of the Latin letter beyond ASCII at text[i], 0 if
// there is none.
func latinAt(text string, i int) int {
	if i < len(text) && text[i] >= 0xC3 && text[i] <= 0xE1 {
		if _, size, s := scriptAt(text, i); s == latin {
			return size
		}
	}
	return 0
}
