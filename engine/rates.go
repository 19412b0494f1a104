package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// admitted returns what a request counts at admission, in each dimension, by its input, its
// expected output and the most output that it allows (0 = unknown), all in tokens.
func (ms *limits) admitted(input, expected, most int64) amounts {
	in, out := input, expected
	if ms != nil && ms.rated {
		in, out = ms.rates.Admitted(input, expected, most)
		in, out = min(in, MaxCount), min(out, MaxCount)
	}
	return amounts{counter.Input: in, counter.Output: out, counter.Tokens: in + out, counter.Requests: 1, counter.Leases: 1}
}

// charged returns what a call counts against limits on input and on output.
func (ms *limits) charged(u *Usage) (in, out int64) {
	if !ms.rated {
		return u.InputTokens, u.OutputTokens
	}
	in, out = ms.rates.Used(u.InputTokens, u.CachedInputTokens, u.CacheWriteTokens, u.OutputTokens)
	return min(in, MaxCount), min(out, MaxCount)
}

// final returns the input and output that a lease counts in the end, if it counted in and out
// at admission.
func (ms *limits) final(u *Usage, in, out int64) (int64, int64) {
	if ms.rated && ms.rates.Stands() {
		return in, out
	}
	return ms.charged(u)
}

// holds reports whether the provider reserves the most output that a call may have, and
// gives back what the call did not use when it ends.
func (ms *limits) holds() bool {
	return ms != nil && ms.rated && ms.rates.ChargesMax() && !ms.rates.Stands()
}

// trim lowers the expected output in a, so that the request fits empty limits within a part
// of them. The output is only a guess, and the request could never be admitted otherwise. A
// maximum that the provider charges is not lowered; limits of zero lower nothing.
func (ms *limits) trim(p counter.Part, a *amounts, input, maximum int64) {
	spare, largest := a[counter.Output], int64(0)
	if ms.rated && ms.rates.ChargesMax() {
		if maximum != 0 || ms.rates.DefaultMax() != 0 {
			return // the maximum is charged, not what is expected
		}
		spare += max(a[counter.Input]-input, 0)
	}
	for _, d := range [...]counter.Dim{counter.Input, counter.Output, counter.Tokens} {
		if most := p.Of(ms.most[d]); most > 0 {
			largest = max(largest, a[d]-most)
		}
	}
	cut := min(largest, spare)
	if cut <= 0 {
		return
	}
	fromOutput := min(cut, a[counter.Output])
	a[counter.Output] -= fromOutput
	a[counter.Input] -= cut - fromOutput
	a[counter.Tokens] -= cut
}
