package engine

// amounts returns what a demand counts on a deployment: learn adds the learned
// mean where it is to be expected.
func (q *ask) amountsOn(h *handle, ms *meters) amounts {
	if ms == nil || !ms.rated {
		return q.amounts(q.cost(h))
	}
	return ms.admitted(q.input, q.cost(h)-q.input, q.limit)
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
