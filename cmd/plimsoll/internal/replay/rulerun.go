package replay

import (
	"context"
	"fmt"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// RunRule replays a trace against providers with the rule of o.Kind, under
// o.Policy and under every clairvoyant, and measures the one by the best of the
// others. Where the provider takes every call, no clairvoyant runs. The policy named [ClairvoyantName] is the best itself.
func RunRule(ctx context.Context, o Options) (*Report, error) {
	progress := o.Progress
	best, done, err := bestOf(ctx, o)
	if err != nil || o.PolicyName == ClairvoyantName {
		return best, err
	}
	if progress != nil {
		o.Progress = func(n int) { progress(done + n) }
	}
	run := Run
	if o.Nodes != nil {
		run = RunNodes
	}
	r, err := run(ctx, o)
	if err != nil {
		return nil, err
	}
	if best != nil {
		r.against(best.Clairvoyant)
	}
	return r, nil
}

// bestOf is [Clairvoyants] where the provider refuses anything. It also returns
// how many requests of all runs that took.
func bestOf(ctx context.Context, o Options) (best *Report, done int, err error) {
	if !o.Kind.Enforces {
		if o.PolicyName == ClairvoyantName {
			return nil, 0, fmt.Errorf("policy %s: under rule %s nothing is refused, so there is nothing to foresee", ClairvoyantName, o.Kind.Name)
		}
		return nil, 0, nil
	}
	best, err = Clairvoyants(ctx, o)
	return best, ClairvoyantRuns * len(o.Trace), err
}

// RuleRuns returns how many runs [RunRule] makes.
func RuleRuns(o Options) int {
	runs := 0
	if o.Kind.Enforces {
		runs = ClairvoyantRuns
	}
	switch {
	case o.PolicyName == ClairvoyantName:
	case o.Nodes != nil:
		runs += NodeRuns()
	default:
		runs++
	}
	return runs
}

// FitRule makes a trace ready for a replay against providers of a rule: its load
// is what they charge, and routers misjudge its prompts a little.
func FitRule(t trace.Trace, o Options, load float64) error {
	t.NameEstimates(o.Seed)
	return FitCharged(t, o.Pool, load, o.Kind.Charged)
}
