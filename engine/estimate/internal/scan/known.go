package scan

import (
	_ "embed"
	"iter"
	"strings"
)

// Known is the set of the words that are one token in an encoding, with the space before
// them or without. It has a bit for each value of a hash, so that about one word in eight
// that is not in the set is taken for one that is. [PackKnown] makes it.
type Known [knownSize]byte

const (
	slotBits  = 20
	knownSize = 1 << slotBits / 8
)

var (
	//go:embed o200k.bin
	o200k []byte
	//go:embed cl100k.bin
	cl100k []byte
)

// The sets of the two encodings.
var (
	KnownO200K  = (*Known)(o200k)
	KnownCL100K = (*Known)(cl100k)
)

// slot returns the place of a word in a Known. Of the word, head holds the first eight
// bytes and tail the last eight, and n is its length. A shorter word is the upper bytes
// of head, and has no tail.
func slot(head, tail uint64, n uint, spaced bool) uint64 {
	h := head + uint64(n) ^ tail*0xC2B2AE3D27D4EB4F
	if spaced {
		h = ^h
	}
	return h * 0x9E3779B97F4A7C15 >> (64 - slotBits)
}

// has returns 1 if the set has a word at a slot, 0 otherwise.
func (k *Known) has(slot uint64) int { return int(k[slot>>3%knownSize]>>(slot&7)) & 1 }

// place returns the slot of the word text[from:to].
func place(text string, from, to int, spaced bool) uint64 {
	n := uint(to - from)
	switch {
	case n >= 8:
		return slot(eight(text[from:]), eight(text[to-8:]), n, spaced)
	case to >= 8:
		return slot(eight(text[to-8:])>>((64-8*n)&63)<<((64-8*n)&63), 0, n, spaced)
	}
	var head uint64
	for i := from; i < to; i++ {
		head = head>>8 | uint64(text[i])<<56
	}
	return slot(head, 0, n, spaced)
}

// firstBytes returns the first n bytes of eight, n from 1 to 8, as the upper bytes.
func firstBytes(eight uint64, n uint) uint64 { return eight << ((64 - 8*n) & 63) }

// eight returns the first eight bytes of a text.
func eight(text string) uint64 {
	_ = text[7]
	return uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
}

// PackKnown returns the contents of a file that [Known] is embedded from, given the
// tokens of an encoding. Of these, it takes those that are a whole word.
func PackKnown(tokens iter.Seq[string]) []byte {
	packed := make([]byte, knownSize)
	for token := range tokens {
		word := strings.TrimPrefix(token, " ")
		if oneWord(word) {
			at := place(token, len(token)-len(word), len(token), word != token)
			packed[at>>3] |= 1 << (at & 7)
		}
	}
	return packed
}

// oneWord says whether a text is one word or one run of a script with spaces between words.
func oneWord(text string) bool {
	var found uint32
	for kind, n := range Count(text, new(Known)) {
		switch {
		case kind < knownWords || kind >= scripts && kind < scripts+spaced*scriptRow:
			if kind < knownWords || (kind-scripts)%scriptRow < scriptLengths {
				found += n
			}
		case kind != excessLetters && kind != marks && (kind < diacritics || kind >= newline) &&
			(kind < aloneOther || kind >= scripts) && n > 0:
			return false
		}
	}
	return found == 1
}
