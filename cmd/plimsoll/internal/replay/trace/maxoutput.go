package trace

import "math/rand/v2"

// maxOutputSteps are the caps clients name, in tokens.
var maxOutputSteps = [...]int64{256, 1024, 4096, 16 << 10, 32 << 10}

// generousClients is the share of clients whose cap is one step above the
// smallest that would do.
const generousClients = 0.3

// NameMaxOutput gives every request the cap its client would name, in place:
// the smallest of 256, 1024, 4096, 16k and 32k tokens that the answer fits, and
// for three in ten, drawn by seed, one step more. An answer above 32k gets its
// own size.
func (t Trace) NameMaxOutput(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, streamMaxOutput))
	for i := range t {
		t[i].MaxOutput = maxOutput(t[i].Output, rng.Float64() < generousClients)
	}
}

// maxOutput returns the cap named for an answer of that many tokens.
func maxOutput(output int64, generous bool) int64 {
	for i, step := range maxOutputSteps {
		if output > step {
			continue
		}
		if generous && i+1 < len(maxOutputSteps) {
			return maxOutputSteps[i+1]
		}
		return step
	}
	return output
}
