package engine

import "fmt"

// NoOutput as [Demand.OutputTokens] means that the request will produce no
// output tokens. No output is expected then, not even the learned one.
const NoOutput int64 = -1

// Demand is what a request is expected to consume. The zero Demand is
// one request and, for Acquire, TryAcquire and Wait, the learned output.
//
// A demand is invalid if a count is outside [0, MaxCount], except [NoOutput], if Priority is no
// index of [Config.PriorityShare], or if Caller is of another engine. Acquire, AcquireGranted,
// Wait and the methods of Engine that take names return [ErrInvalidDemand] then. The others
// refuse the demand. [Stats.Invalid] counts it.
type Demand struct {
	// InputTokens is the size of the prompt, in tokens.
	InputTokens int64
	// OutputTokens is the expected size of the answer, in tokens. 0 means the learned
	// output (see [Config.OutputQuantile]) for Acquire, TryAcquire and Wait, and none for
	// Pick and PreCheck, which count only what the demand names. [NoOutput] means none.
	OutputTokens int64
	// MaxOutputTokens is the request's own maximum of output tokens; 0 = unknown. The
	// expected output is never above it.
	MaxOutputTokens int64
	// Exclude lists deployments that are no candidates, such as those already tried.
	Exclude []Ref
	// Tags are labels that a candidate must all have.
	Tags []string
	// Affinity keeps demands that belong together, such as those of one conversation,
	// on one deployment, whose prompt cache then serves them. It is a hash of
	// the session's name; 0 = no affinity. Weighted rendezvous hashing prefers the deployment
	// with the highest hash of Affinity and ID among the candidates that are neither disabled
	// nor cooling down: the same on every node and after a restart. That deployment is
	// chosen, within its Order, while it has headroom; without headroom the strategy
	// chooses. Adding or removing one of n deployments moves one affinity in n.
	// Affinities spread over the candidates in proportion to their limits: TPM, else
	// InputTPM, else RPM, whichever all deployments of the group have, else evenly.
	// PreCheck ignores Affinity.
	Affinity uint64
	// Priority is the demand's class, an index of [Config.PriorityShare]; 0 = the
	// most important.
	Priority int
	// Caller is the caller whose limits are charged too; the zero value is no caller. See
	// [Caller].
	Caller CallerRef
}

// named returns the tokens that a demand names, input and output, and false if a count is out
// of range.
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

// plain reports whether all deployments of a group are candidates for a demand, with all of
// their caps, and no caller is charged.
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

// invalidity returns the error of an invalid demand: an ErrInvalidDemand that names the field
// and its range.
func (d *Demand) invalidity(e *common) error {
	if d.Caller.h != nil && d.Caller.h.e != e {
		return errForeignCaller
	}
	if _, ok := d.named(); ok {
		return fmt.Errorf("%w: Priority is %d; it must be from 0 to %d, one of the classes of Config.PriorityShare",
			ErrInvalidDemand, d.Priority, max(len(*e.parts.Load()), 1)-1)
	}
	name, v, low := "OutputTokens", d.OutputTokens, NoOutput
	if d.InputTokens < 0 || d.InputTokens > MaxCount {
		name, v, low = "InputTokens", d.InputTokens, 0
	} else if d.MaxOutputTokens < 0 || d.MaxOutputTokens > MaxCount {
		name, v, low = "MaxOutputTokens", d.MaxOutputTokens, 0
	}
	return fmt.Errorf("%w: %s is %d; it must be from %d to %d", ErrInvalidDemand, name, v, low, MaxCount)
}
