package engine

import "github.com/plimsoll-dev/plimsoll/window"

// amounts returns what a demand counts on a deployment: learn adds the learned
// mean where it is to be expected.
func (q *ask) amountsOn(h *handle, ms *meters) amounts {
	if ms == nil || q.known {
		return q.amounts(q.cost(h))
	}
	a := q.amounts(q.cost(h))
	if ms.rated {
		a = ms.admitted(q.input, q.cost(h)-q.input, q.limit)
	}
	if q.learn && (a[dimInput] > ms.most[dimInput] || a[dimOutput] > ms.most[dimOutput] || a[dimTokens] > ms.most[dimTokens] || q.part != 0) {
		ms.trim(q.part, &a, q.input, q.limit)
	}
	return a
}

// trim cuts what a request counts of an output that is only expected to what the
// limits can ever take within a part of them; limits of zero cut nothing.
func (ms *meters) trim(p window.Part, a *amounts, input, maximum int64) {
	spare, largest := a[dimOutput], int64(0)
	if ms.rated && ms.rates.ChargesMax() {
		if maximum != 0 || ms.rates.DefaultMax() != 0 {
			return // the maximum is charged, not what is expected
		}
		spare += max(a[dimInput]-input, 0)
	}
	for _, d := range [...]dim{dimInput, dimOutput, dimTokens} {
		if most := p.Of(ms.most[d]); most > 0 {
			largest = max(largest, a[d]-most)
		}
	}
	cut := min(largest, spare)
	if cut <= 0 {
		return
	}
	fromOutput := min(cut, a[dimOutput])
	a[dimOutput] -= fromOutput
	a[dimInput] -= cut - fromOutput
	a[dimTokens] -= cut
}

// admitted returns what a request counts at admission: tokens of input, of
// output expected, and the most output that it allows (0 = unknown).
func (ms *meters) admitted(input, expected, most int64) amounts {
	if !ms.rated {
		return amounts{dimInput: input, dimOutput: expected, dimTokens: input + expected, dimRequests: 1}
	}
	in, out := ms.rates.Admitted(input, expected, most)
	in, out = min(in, MaxCount), min(out, MaxCount)
	return amounts{dimInput: in, dimOutput: out, dimTokens: in + out, dimRequests: 1}
}

// charged returns what a call counts against limits on input and on output.
func (ms *meters) charged(u *Usage) (in, out int64) {
	if !ms.rated {
		return u.InputTokens, u.OutputTokens
	}
	in, out = ms.rates.Used(u.InputTokens, u.CachedInputTokens, u.CacheWriteTokens, u.OutputTokens)
	return min(in, MaxCount), min(out, MaxCount)
}

// final returns what a lease comes to that has counted in and out so far.
func (ms *meters) final(u *Usage, in, out int64) (int64, int64) {
	usedIn, usedOut := ms.charged(u)
	if !ms.rated || !ms.rates.Stands() {
		return usedIn, usedOut
	}
	if out == 0 { // nothing was counted for it yet
		out = usedOut
	}
	return in, out
}
