package provider

import "math"

// MinWeight and MaxWeight bound each weight; a weight of 0 is valid too. A weight below
// MinWeight would be rounded to 0.
const (
	MinWeight = 0.001
	MaxWeight = 1000.0
)

// Weights are how much each token counts against limits on all tokens and, except the output's,
// against limits on input. They are rounded to thousandths. The zero Weights count every token
// as one.
type Weights struct {
	Input       float64 // input that came from no cache and went into none
	CachedInput float64 // input read from a cache
	CacheWrite  float64 // input written to a cache
	Output      float64
}

// Rates are a profile's charges in whole numbers, computed once so that a request needs no
// floating point. The zero Rates are not valid: [Profile.Rates] returns valid ones.
type Rates struct {
	admit                        Admit
	input, cached, write, output int64 // thousandths
	plain                        bool  // every token counts as one
	defaultMax                   int64 // output reserved for a request that names no maximum; 0 = unknown
	stands                       bool
}

// Rates returns the profile's charges. The profile must be valid.
func (p Profile) Rates() Rates {
	w := p.Weights
	if w == (Weights{}) {
		w = Weights{1, 1, 1, 1}
	}
	milli := func(v float64) int64 { return int64(math.Round(v * 1000)) }
	r := Rates{
		admit: p.Admit, stands: p.EstimateStands,
		input: milli(w.Input), cached: milli(w.CachedInput), write: milli(w.CacheWrite), output: milli(w.Output),
	}
	r.plain = r.input == 1000 && r.cached == 1000 && r.write == 1000 && r.output == 1000
	return r
}

// WithDefaultMax returns the rates of a provider that reserves n output tokens for
// a request that names no maximum; 0 = unknown.
func (r Rates) WithDefaultMax(n int64) Rates {
	r.defaultMax = n
	return r
}

// DefaultMax returns the number of output tokens that WithDefaultMax has set.
func (r *Rates) DefaultMax() int64 { return r.defaultMax }

// ChargesMax reports whether Admitted counts the maximum output instead of
// the expected one.
func (r *Rates) ChargesMax() bool {
	return r.admit == AdmitInputMax || r.admit == AdmitLarger || r.admit == AdmitMaxAsInput
}

// Plain reports whether every token counts as one.
func (r *Rates) Plain() bool { return r.plain }

// Stands reports whether the result of Admitted is final: see [Profile.EstimateStands].
func (r *Rates) Stands() bool { return r.stands }

// Admitted returns what a request counts at admission against limits on input
// and on output, by its tokens of input, of expected output, and the most output that
// it allows (0 = the default of WithDefaultMax, else the expected output). No argument may be
// negative or above 2^42. Against a limit on all tokens the request counts the sum of the results.
func (r *Rates) Admitted(input, expected, most int64) (in, out int64) {
	if most == 0 {
		if most = r.defaultMax; most == 0 {
			most = expected
		}
	}
	switch r.admit {
	case AdmitExpected:
	case AdmitNothing:
		return 0, 0
	case AdmitInput:
		return input, 0
	case AdmitInputMax:
		return input, most
	case AdmitLarger:
		return input, max(most-input, 0)
	case AdmitMaxAsInput:
		return input + most, 0
	}
	if r.plain {
		return input, expected
	}
	return up(input * r.input), up(expected * r.output)
}

// Used returns what a call counts once its usage is known, against limits on
// input and on output, rounded up. Cached and write are parts of input; a sum beyond
// input is ignored. No argument may be negative or above 2^42. Against a limit on
// all tokens the call counts the sum of the results.
func (r *Rates) Used(input, cached, write, output int64) (in, out int64) {
	if r.plain {
		return input, output
	}
	cached = min(cached, input)
	write = min(write, input-cached)
	fresh := input - cached - write
	return up(fresh*r.input + cached*r.cached + write*r.write), up(output * r.output)
}

func up(thousandths int64) int64 { return (thousandths + 999) / 1000 }
