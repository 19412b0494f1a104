// Package trace holds LLM traffic as a replay takes it: who asks for how many
// tokens, and when. Traffic comes from a file ([Read]) or from a seeded
// generator ([Generate]).
package trace

import (
	"math/bits"
	"time"
)

// Request is one call of a client.
type Request struct {
	Arrival   time.Duration // since the trace's first request
	Input     int64         // size of the prompt, in tokens
	Output    int64         // size of the answer, in tokens; known only when the call ends
	MaxOutput int64         // the cap the client puts on the answer, in tokens; 0 = none named
	Estimate  int64         // what a router takes the prompt for, in tokens; 0 = Input
}

// Prompt returns what a router knows of the prompt's size, in tokens.
func (r Request) Prompt() int64 {
	if r.Estimate != 0 {
		return r.Estimate
	}
	return r.Input
}

// Tokens returns what the request costs in all: input and output tokens.
func (r Request) Tokens() int64 { return r.Input + r.Output }

// Trace is a sequence of requests in order of arrival; the first arrives at 0.
type Trace []Request

// Tokens returns the tokens of all requests together.
func (t Trace) Tokens() int64 {
	var sum int64
	for _, r := range t {
		sum += r.Tokens()
	}
	return sum
}

// Duration returns the time from the first arrival to the last.
func (t Trace) Duration() time.Duration {
	if len(t) == 0 {
		return 0
	}
	return t[len(t)-1].Arrival
}

// Warp stretches or squeezes the trace in place so that it lasts d (not
// negative): gaps keep their proportions, sizes stay. A trace whose requests
// all arrive at once has no proportions to keep and stays as it is.
func (t Trace) Warp(d time.Duration) {
	from := uint64(t.Duration())
	if from == 0 {
		return
	}
	for i := range t {
		hi, lo := bits.Mul64(uint64(t[i].Arrival), uint64(d))
		scaled, _ := bits.Div64(hi, lo, from) // at most d, as Arrival <= from
		t[i].Arrival = time.Duration(scaled)
	}
}

// WithoutOutput returns a copy of the trace whose answers have no tokens, as those
// of embeddings have none.
func (t Trace) WithoutOutput() Trace {
	silent := append(Trace(nil), t...)
	for i := range silent {
		silent[i].Output, silent[i].MaxOutput = 0, 0
	}
	return silent
}
