package scan

import (
	_ "embed"
	"unicode/utf8"
)

// What a character costs depends on how often it stood in what the encodings were trained
// on, which nothing in its code point tells. So it is looked up how many tokens each has
// when it stands alone: a class of 0 to 8, three times the tokens beyond one in cl100k
// plus those in o200k. Two characters a byte, the even one in the low half, from U+0080
// to U+FFFF. [PackAlone] makes the file.
//
//go:embed alone.bin
var aloneTable string

const (
	aloneKinds = 9

	aloneFirst = 0x80
	aloneRunes = 0x10000 - aloneFirst
	aloneRest  = 8 // the class of runes beyond
)

// tokensAlone returns the class of a rune beyond ASCII.
func tokensAlone(r rune) int {
	at := int(r - aloneFirst)
	if at >= aloneRunes {
		return aloneRest
	}
	return int(aloneTable[at/2]>>(at%2*4)) & 0xF
}

// runeClasses counts the runes of a word by class: seven bits for each class.
type runeClasses uint64

const (
	classBits  = 7
	longestRun = 1<<classBits - 1 // a run is cut there
)

func (c *runeClasses) note(r rune) { *c += 1 << (tokensAlone(r) * classBits) }

// classes counts runes in the row that begins at index row.
func (t *tally) classes(row int, c runeClasses) {
	for ; c != 0; c >>= classBits {
		if n := c & longestRun; n > 0 {
			t.add(row, int(n))
		}
		row++
	}
}

// PackAlone returns the contents of the file alone.bin, given functions that
// count the tokens of a text in cl100k and in o200k.
func PackAlone(cl100k, o200k func(string) int64) []byte {
	table := make([]byte, aloneRunes/2)
	for at := range aloneRunes {
		r := rune(aloneFirst + at)
		if !utf8.ValidRune(r) {
			continue
		}
		class := 3*min(cl100k(string(r))-1, 2) + min(o200k(string(r))-1, 2)
		table[at/2] |= byte(class) << (at % 2 * 4)
	}
	return table
}
