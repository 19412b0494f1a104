package estimate

import (
	"errors"
	"fmt"
	"sync"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

// ErrTooLong means that a text cannot be counted exactly in about a
// second: it has more than [MaxExact] bytes, or runs of many thousand letters
// or symbols without a break. Parameters of a tool above [MaxSchema] are too long as well. [Text]
// has no such limit.
var ErrTooLong = errors.New("estimate: text too long to be counted exactly")

// MaxExact is the size of the largest text that [Exact] counts, in bytes. It is larger than
// the context of any model.
const MaxExact = 4 << 20

// Exact counts tokens with the vocabulary of an encoding. [NewExact] returns one; the
// zero value returns an error for every text that is not empty. Safe for concurrent use.
type Exact struct {
	enc Encoding
	tok *tiktoken.Tiktoken
}

var loaded [encodings]struct {
	once  sync.Once
	exact *Exact
	err   error
}

// NewExact returns the exact counter of an encoding. The first call for an
// encoding unpacks the vocabulary that is compiled into the program, which
// takes time and memory (figures in docs/ESTIMATES.md). Concurrent calls wait for it, and later
// calls return the same counter. Nothing is downloaded. A
// program that never calls NewExact does not contain the vocabularies. It returns an error
// for a value that is no encoding. Safe for concurrent use.
//
// The counting is done by https://github.com/pkoukk/tiktoken-go.
func NewExact(enc Encoding) (*Exact, error) {
	if enc >= encodings {
		return nil, fmt.Errorf("estimate: no encoding has the number %d", enc)
	}
	l := &loaded[enc]
	l.once.Do(func() { l.exact, l.err = load(enc) })
	return l.exact, l.err
}

// splits are the patterns that cut a text into the pieces in which tokens are
// searched. They are a part of the definition of an encoding:
// https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py.
var splits = [encodings]string{
	O200K: `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
	CL100K: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}

// load does not use tiktoken's GetEncoding, because that reads the vocabulary
// by a loader that is global to the process, and a library must not replace it.
func load(enc Encoding) (*Exact, error) {
	ranks, err := loader.NewOfflineLoader().LoadTiktokenBpe(enc.String() + ".tiktoken")
	if err != nil {
		return nil, fmt.Errorf("estimate: the vocabulary of %s: %w", enc, err)
	}
	// Without special tokens: one in a caller's text is counted as text.
	bpe, err := tiktoken.NewCoreBPE(ranks, nil, splits[enc])
	if err != nil {
		return nil, fmt.Errorf("estimate: the vocabulary of %s: %w", enc, err)
	}
	return &Exact{enc: enc, tok: tiktoken.NewTiktoken(bpe, nil, nil)}, nil
}

// Encoding returns the encoding of the counts.
func (e *Exact) Encoding() Encoding { return e.enc }

// Text returns the number of tokens of a text. A special token such as "<|endoftext|>"
// is counted as text, and a byte that is not valid UTF-8 as the
// character U+FFFD. Text takes 0.2 to 1.2 ms and allocates about 100 KB for each
// KiB of text. The error is [ErrTooLong], or that of a zero Exact.
func (e *Exact) Text(text string) (n int64, err error) {
	if text == "" {
		return 0, nil
	}
	if e == nil || e.tok == nil {
		return 0, errors.New("estimate: this Exact is not from NewExact")
	}
	if len(text) > MaxExact {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(text), MaxExact)
	}
	if effort(text) > maxEffort {
		return 0, fmt.Errorf("%w: stretches of many thousand letters or symbols without a break", ErrTooLong)
	}
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("estimate: tiktoken-go failed: %v", r)
		}
	}()
	return int64(len(e.tok.EncodeOrdinary(text))), nil
}
