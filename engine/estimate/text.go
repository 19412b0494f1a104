package estimate

import "github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"

// A Counter counts the tokens of a text. [Encoding] estimates, [*Exact] counts;
// both may be used from any number of goroutines.
type Counter interface {
	// Encoding says in which encoding it counts.
	Encoding() Encoding
	// Text returns the number of tokens of a text, at least 1 unless it is
	// empty. With an error, the number means nothing.
	Text(text string) (int64, error)
}

const (
	// A text of up to scanned bytes is read in full. Of a longer one, samples
	// parts are read, spread evenly, so that time has a bound.
	scanned = 1 << 20
	samples = 64

	one = 1 << 16 // a token, in the unit of the weights
)

// Text estimates the number of tokens of a text in one pass. It never fails: the
// result is 0 for "" only and never more than len(text). How far off it can be,
// by kind and size of text, is in docs/ESTIMATES.md; short texts are known
// less well. Invalid UTF-8 counts byte by byte, a special token such as
// "<|endoftext|>" as the text that it is. Of a text above 1 MiB only samples,
// 1 MiB in all, are read.
//
// It does not allocate and may be called from any number of goroutines.
func Text(text string, enc Encoding) int64 {
	if text == "" {
		return 0
	}
	var c scan.Counts
	read := len(text)
	if read <= scanned {
		c.Add(text)
	} else {
		read = sample(&c, text)
	}
	w := &weights[O200K]
	if enc == CL100K {
		w = &weights[CL100K]
	}
	var sum int64
	for kind, n := range &c {
		sum += int64(n) * int64(w[kind])
	}
	if read < len(text) {
		sum = int64(float64(sum) / float64(read) * float64(len(text)))
	}
	return min(max((sum+one/2)/one, 1), int64(len(text)))
}

// sample adds evenly spread parts of a text longer than scanned to c and returns
// how many bytes they have. Where words are cut by it changes a count in 10,000.
func sample(c *scan.Counts, text string) int {
	const size = scanned / samples
	for i := range int64(samples) {
		at := int(i * int64(len(text)-size) / (samples - 1))
		c.Add(text[at : at+size])
	}
	return scanned
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
