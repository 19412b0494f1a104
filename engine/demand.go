package engine

import "fmt"

// NoOutput as [Demand.OutputTokens] says that the request will produce no
// output tokens: nothing is expected, nothing learned is added.
const NoOutput int64 = -1

// Demand is what a request is expected to consume. The zero Demand asks for
// one request and, from Acquire, the learned mean output.
//
// Counts outside [0, MaxCount] make a demand invalid: Acquire and the by-name
// forms return [ErrInvalidDemand], the others refuse, and
// [Stats.Invalid] counts it.
type Demand struct {
	// InputTokens is the size of the prompt, in tokens.
	InputTokens int64
	// OutputTokens is the expected size of the answer, in tokens. 0 means what
	// was learned (see [Config.OutputQuantile]) for Acquire, TryAcquire and Wait, and nothing for Pick and
	// PreCheck, which weigh only what the demand names. [NoOutput] means none.
	OutputTokens int64
	// MaxOutputTokens is the request's own cap on its output; 0 = unknown. The
	// expectation is never above it.
	MaxOutputTokens int64
	// Exclude lists deployments not to consider, such as those already tried.
	Exclude []Ref
	// Tags must all be present on a deployment for it to be considered.
	Tags []string
	// Affinity keeps demands that belong together, those of one conversation for
	// instance, on one deployment, whose prompt cache then serves them: a hash of
	// the session's name; 0 = none. It is the one with the highest hash of
	// Affinity and ID, weighted by size, among the candidates that are neither disabled nor cooling
	// down, the same on every node and after a restart. It is preferred to the
	// strategy's choice in its Order while it has room; without room the strategy
	// chooses. Adding or removing one of n deployments moves one affinity in n.
	// Affinities spread over the candidates in proportion to their limits: TPM, else
	// InputTPM, else RPM, whichever all deployments of the group have, else evenly.
	// PreCheck ignores it.
	Affinity uint64
	// Priority is the demand's class, an index of [Config.PriorityShare]; 0 = the
	// most important.
	Priority int
	// Caller is who makes the request, if its own limits count too; the zero value is
	// no caller. See [Caller].
	Caller CallerRef
}

// named returns the tokens that a demand names. False: a count is out of range.
func (d *Demand) named() (tokens int64, ok bool) {
	in, out, most := d.InputTokens, d.OutputTokens, d.MaxOutputTokens
	if uint64(in) > uint64(MaxCount) || uint64(out+1) > uint64(MaxCount)+1 || uint64(most) > uint64(MaxCount) {
		return 0, false
	}
	if most != 0 {
		out = min(out, most)
	}
	return in + max(out, 0), true
}

// tokens returns the tokens that a demand names, 0 if a count is out of range.
func (d *Demand) tokens() int64 {
	n, _ := d.named()
	return n
}

// plain reports whether a demand goes to any deployment, may use all of its caps, and
// names no caller.
func (d *Demand) plain() bool {
	return uint64(len(d.Exclude)|len(d.Tags)|d.Priority)|d.Affinity == 0 && d.Caller.h == nil
}

// capped returns an expected output within the demand's own cap.
func (d *Demand) capped(output int64) int64 {
	if d.MaxOutputTokens != 0 {
		return min(output, d.MaxOutputTokens)
	}
	return output
}

// invalidity names what is out of range in a demand to an engine.
func (d *Demand) invalidity(e *common) error {
	if d.Caller.h != nil && d.Caller.h.e != e {
		return errForeignCaller
	}
	if _, ok := d.named(); ok {
		return fmt.Errorf("%w: Priority is %d; it must be from 0 to %d, one of the classes of Config.PriorityShare", ErrInvalidDemand, d.Priority, max(len(*e.parts.Load()), 1)-1)
	}
	name, v, low := "OutputTokens", d.OutputTokens, NoOutput
	if d.InputTokens < 0 || d.InputTokens > MaxCount {
		name, v, low = "InputTokens", d.InputTokens, 0
	} else if d.MaxOutputTokens < 0 || d.MaxOutputTokens > MaxCount {
		name, v, low = "MaxOutputTokens", d.MaxOutputTokens, 0
	}
	return fmt.Errorf("%w: %s is %d; it must be from %d to %d", ErrInvalidDemand, name, v, low, MaxCount)
}
