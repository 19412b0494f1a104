package scan

import "unicode/utf8"

// Scripts and other families of runes beyond ASCII, Latin letters excepted.
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
)

var scriptNames = [scriptCount]string{
	"Han", "rare Han", "Hiragana", "Katakana", "Hangul", "CJK punctuation", "full-width",
	"Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Indic", "South-East Asian",
	"punctuation", "technical symbol", "dingbat", "emoji", "emoji joiner", "skin tone", "flag letter",
	"other", "other beyond the BMP", "invalid byte",
}

// isLatin reports whether r is a letter of the Latin script beyond ASCII.
func isLatin(r rune) bool {
	return r >= 0xC0 && r <= 0x24F && r != '×' && r != '÷' || r >= 0x1E00 && r <= 0x1EFF
}

// latinAt reports whether such a letter begins at text[i].
func latinAt(text string, i int) bool {
	if i >= len(text) || text[i] < 0xC3 || text[i] > 0xE1 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return isLatin(r)
}

func scriptOf(r rune) int {
	switch {
	case r < 0x3000:
		return lowScript(r)
	case r < 0x3040:
		return cjkPunctuation
	case r < 0x30A0:
		return hiragana
	case r < 0x3100:
		return katakana
	case r < 0x3400:
		return otherLow
	case r < 0x4E00:
		return hanRare
	case r < 0xA000:
		return han
	case r >= 0xAC00 && r < 0xD7B0:
		return hangul
	case r >= 0xFE00 && r < 0xFE10:
		return emojiJoiner
	case r >= 0xFB50 && r < 0xFDFF || r >= 0xFE70 && r < 0xFEFF:
		return arabic
	case r >= 0xFF00 && r < 0xFF10 || r >= 0xFF1A && r < 0xFF21 || r >= 0xFF3B && r < 0xFF41 || r >= 0xFF5B && r < 0xFF66:
		return cjkPunctuation
	case r >= 0xFF00 && r < 0xFF66:
		return fullWidth
	case r < 0x10000:
		return otherLow
	case r >= 0x1F1E6 && r < 0x1F200:
		return flag
	case r >= 0x1F3FB && r < 0x1F400:
		return emojiTone
	case r >= 0x1F000 && r < 0x1FB00:
		return emoji
	case r >= 0x20000 && r < 0x32000:
		return hanRare
	}
	return otherHigh
}

func lowScript(r rune) int {
	switch {
	case r < 0xC0:
		return punctuation
	case r < 0x370:
		return otherLow
	case r < 0x400:
		return greek
	case r < 0x530:
		return cyrillic
	case r < 0x590:
		return otherLow
	case r < 0x600:
		return hebrew
	case r < 0x780:
		return arabic
	case r < 0x900:
		return otherLow
	case r < 0x980:
		return devanagari
	case r < 0xE00:
		return indic
	case r < 0x1100:
		return southEast
	case r >= 0x1F00 && r < 0x2000:
		return greek
	case r < 0x2000:
		return otherLow
	case r == 0x200D:
		return emojiJoiner
	case r < 0x2100:
		return punctuation
	case r < 0x2600:
		return technical
	case r < 0x2C00:
		return dingbat
	}
	return otherLow
}
