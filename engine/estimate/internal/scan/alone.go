package scan

import _ "embed"

// What a character of the two largest scripts costs depends on how often it
// stood in what the encodings were trained on, which nothing in its code point tells.
// So it is looked up how many tokens each has when it stands alone: a class of 0 to 8,
// three times the tokens beyond one in cl100k plus those in o200k. Two
// characters a byte, the even one in the low half. [PackAlone] makes the file.
//
//go:embed alone.bin
var aloneTable string

const (
	aloneKinds = 9

	hanFirst, hanLast       = 0x4E00, 0x9FFF
	hangulFirst, hangulLast = 0xAC00, 0xD7AF
	aloneRunes              = hanLast - hanFirst + 1 + hangulLast - hangulFirst + 1
)

// tokensAlone returns the class of a rune of the script han or hangul.
func tokensAlone(r rune) int {
	at := int(r - hanFirst)
	if r >= hangulFirst {
		at = int(r-hangulFirst) + hanLast - hanFirst + 1
	}
	return int(aloneTable[at/2]>>(at%2*4)) & 0xF
}

// PackAlone returns the contents of the file alone.bin, given functions that
// count the tokens of a text in cl100k and in o200k.
func PackAlone(cl100k, o200k func(string) int64) []byte {
	table := make([]byte, aloneRunes/2)
	for at := range aloneRunes {
		r := rune(hanFirst + at)
		if r > hanLast {
			r = hangulFirst + r - hanLast - 1
		}
		class := 3*min(cl100k(string(r))-1, 2) + min(o200k(string(r))-1, 2)
		table[at/2] |= byte(class) << (at % 2 * 4)
	}
	return table
}
