package estimate

import "github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"

// A Counter returns the tokens of a text. [Encoding] estimates them, [*Exact] counts them.
// Both are safe for concurrent use.
type Counter interface {
	// Encoding returns the encoding of the counts.
	Encoding() Encoding
	// Text returns the number of tokens of a text, at least 1 unless the text is
	// empty. If the error is not nil, the number has no meaning.
	Text(text string) (int64, error)
}

const (
	// A text of up to scanned bytes is read in full. Of a longer one, samples parts of sample
	// bytes are read, spread evenly, so that the time is bounded.
	scanned = 32 << 10
	samples = 64
	sample  = scanned / samples

	one = 1 << 16 // a token, in the unit of the weights
)

// Text estimates the number of tokens of a text in one pass. It never fails. The
// result is 0 for "" only, and at most len(text). docs/ESTIMATES.md has the error
// by kind and size of text; it is larger for short texts. Invalid UTF-8 is counted byte by byte,
// and a special token such as "<|endoftext|>" as text. Of a text above 32 KiB only samples,
// 32 KiB in all, are read, so that the time is bounded.
//
// Text does not allocate. Safe for concurrent use.
func Text(text string, enc Encoding) int64 {
	if text == "" {
		return 0
	}
	enc = enc.Encoding()
	w, known := &weights[enc], vocabularies[enc]
	if len(text) <= scanned {
		return bound(scan.Sum(text, w, known), text)
	}
	var sum int64
	for i := range int64(samples) {
		at := int(i * int64(len(text)-sample) / (samples - 1))
		sum += scan.Sum(text[at:at+sample], w, known)
	}
	return bound(int64(float64(sum)/scanned*float64(len(text))), text)
}

// vocabularies are the words of the encodings that are one token.
var vocabularies = [encodings]*scan.Known{O200K: scan.KnownO200K, CL100K: scan.KnownCL100K}

// bound rounds a sum of weights to tokens of a text that is not empty.
func bound(sum int64, text string) int64 {
	return min(max((sum+one/2)/one, 1), int64(len(text)))
}

// Text is [Text] as a [Counter]: the error is always nil.
func (e Encoding) Text(text string) (int64, error) { return Text(text, e), nil }

// Encoding returns e, or [O200K] for a value that is no encoding.
func (e Encoding) Encoding() Encoding {
	if e >= encodings {
		return O200K
	}
	return e
}
