package scan

import "unicode/utf8"

// Scripts and other families of runes beyond ASCII.
const (
	greek = iota
	cyrillic
	hebrew
	arabic
	devanagari
	bengali
	gurmukhi
	gujarati
	oriya
	tamil
	telugu
	kannada
	malayalam
	sinhala
	armenian
	georgian
	ethiopic
	spaced // the scripts above have spaces between words

	thai = iota - 1
	lao
	tibetan
	myanmar
	khmer
	jamo
	otherLow
	plain // the characters of the scripts above differ in tokens, as those of han and hangul do

	han = iota - 2
	hanRare
	hiragana
	katakana
	hangul
	cjkPunctuation
	fullWidth
	punctuation
	technical
	dingbat
	emoji
	emojiJoiner
	emojiTone
	flag
	otherHigh
	invalid
	scriptCount

	latin = iota - 2 // letters beyond ASCII: part of a word, not a script of their own
	mark             // combining marks: part of the word before them
)

var scriptNames = [scriptCount]string{
	"Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil",
	"Telugu", "Kannada", "Malayalam", "Sinhala", "Armenian", "Georgian", "Ethiopic",
	"Thai", "Lao", "Tibetan", "Myanmar", "Khmer", "Jamo", "other",
	"Han", "rare Han", "Hiragana", "Katakana", "Hangul", "CJK punctuation", "full-width",
	"punctuation", "technical symbol", "dingbat", "emoji", "emoji joiner", "skin tone", "flag letter",
	"other beyond the BMP", "invalid byte",
}

// common are the last letters of the languages that most texts of a script are in. The
// tokens that these have alone do not differ.
var common = [plain]rune{greek: 'ώ', cyrillic: 0x45F, hebrew: 'ת', arabic: 0x652}

// scriptRanges are in the order of their first rune, which begins a range that
// ends at the next. Blocks rather than characters: a few characters of a block
// that are something else make no difference.
var scriptRanges = [...]struct {
	first  rune
	script uint8
}{
	{0x80, punctuation},
	{0xC0, latin}, // × and ÷ among them
	{0x300, mark},
	{0x370, greek},
	{0x400, cyrillic},
	{0x530, armenian},
	{0x590, hebrew},
	{0x600, arabic},
	{0x700, otherLow},
	{0x750, arabic},
	{0x780, otherLow},
	{0x8A0, arabic},
	{0x900, devanagari},
	{0x980, bengali},
	{0xA00, gurmukhi},
	{0xA80, gujarati},
	{0xB00, oriya},
	{0xB80, tamil},
	{0xC00, telugu},
	{0xC80, kannada},
	{0xD00, malayalam},
	{0xD80, sinhala},
	{0xE00, thai},
	{0xE80, lao},
	{0xF00, tibetan},
	{0x1000, myanmar},
	{0x10A0, georgian},
	{0x1100, jamo},
	{0x1200, ethiopic},
	{0x13A0, otherLow},
	{0x1780, khmer},
	{0x1800, otherLow},
	{0x1C80, cyrillic},
	{0x1C90, georgian},
	{0x1CC0, otherLow},
	{0x1D00, latin},
	{0x1DC0, mark},
	{0x1E00, latin},
	{0x1F00, greek},
	{0x2000, punctuation},
	{0x200D, emojiJoiner},
	{0x200E, punctuation},
	{0x2100, technical},
	{0x2600, dingbat},
	{0x2C00, otherLow},
	{0x2C60, latin},
	{0x2C80, otherLow},
	{0x2DE0, cyrillic},
	{0x2E00, otherLow},
	{0x3000, cjkPunctuation},
	{0x3040, hiragana},
	{0x30A0, katakana},
	{0x3100, otherLow},
	{0x3400, hanRare},
	{0x4E00, han},
	{0xA000, otherLow},
	{0xA640, cyrillic},
	{0xA6A0, otherLow},
	{0xA720, latin},
	{0xA800, otherLow},
	{0xAB30, latin},
	{0xAB70, otherLow},
	{0xAC00, hangul},
	{0xD7B0, jamo},
	{0xD800, otherLow},
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

// inWord says whether the character at text[i] continues a word of Latin letters.
func inWord(text string, i int) bool {
	if text[i] < utf8.RuneSelf {
		return classes[text[i]] <= classUpper
	}
	_, _, s := scriptAt(text, i)
	return s >= latin
}
