package scan

import (
	_ "embed"
	"unicode/utf8"
)

// What a character costs depends on how often it stood in what the encodings were trained
// on, which does not follow from its code point. So it is looked up how many tokens each has
// when it stands alone: a class of 0 to 8, three times the tokens beyond one in cl100k
// plus those in o200k. Two characters a byte, the even one in the low half, from U+0000
// to U+FFFF; those of ASCII are of class 0. [PackAlone] makes the file.
//
//go:embed alone.bin
var aloneBytes []byte

var aloneTable = (*[aloneRunes / 2]byte)(aloneBytes)

const (
	aloneKinds = 9
	aloneRunes = 0x10000
	aloneRest  = 8 // the class of runes beyond
)

// tokensAlone returns the class of a rune.
func tokensAlone(r rune) uint {
	if r >= aloneRunes {
		return aloneRest
	}
	return uint(aloneTable[uint16(r)>>1]>>(r&1*4)) & 0xF
}

// runeClasses counts the runes of a word by class: seven bits for each class.
type runeClasses uint64

const (
	classBits  = 7
	longestRun = 1<<classBits - 1 // a run is cut there
)

func (c *runeClasses) note(r rune) { *c += 1 << (tokensAlone(r) * classBits & 63) }

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
		r := rune(at)
		if r < utf8.RuneSelf || !utf8.ValidRune(r) {
			continue
		}
		class := 3*min(cl100k(string(r))-1, 2) + min(o200k(string(r))-1, 2)
		table[at/2] |= byte(class) << (at % 2 * 4)
	}
	return table
}
