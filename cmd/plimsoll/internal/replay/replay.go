// Package replay runs a trace of LLM traffic in virtual time: a policy sends
// calls to simulated deployments, which enforce limits of their own, and the
// replay keeps count. Nothing sleeps and nothing is random but by seed, so that
// one input has one outcome.
//
// A [Policy] decides where calls go; a [provider.Rule] is how a deployment
// judges them.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Start is the virtual instant of a trace's first arrival: a whole UTC minute.
var Start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// MaxDuration is how long a trace may last in virtual time.
const MaxDuration = 366 * 24 * time.Hour

// MinLoad and MaxLoad bound the load that [FitLoad] takes.
const (
	MinLoad = 0.001
	MaxLoad = 1000
)

// Options configure a replay.
type Options struct {
	Trace      trace.Trace // at least one request
	Pool       []provider.Deployment
	Policy     NewPolicy
	PolicyName string           // for the report
	Rule       provider.NewRule // how providers judge; nil = by Kind
	Kind       *provider.Kind   // of all deployments, named in the report; nil = each has its own, [provider.NewFixedMinute] without
	Seed       uint64           // of the policy
	Nodes      *Nodes           // that share the trace; nil = one, without a store
	Progress   func(done int)   // called now and then with the number of requests that have arrived; may be nil
}

// ValidLoad reports whether [FitLoad] takes that load. It takes no NaN.
func ValidLoad(load float64) bool { return load >= MinLoad && load <= MaxLoad }

// FitLoad warps a trace so that its tokens are load times what the pool's
// token limits allow over its duration.
func FitLoad(t trace.Trace, pool []provider.Deployment, load float64) error {
	return FitCharged(t, pool, load, trace.Request.Tokens)
}

// FitCharged is [FitLoad] by the tokens that providers charge for a request.
func FitCharged(t trace.Trace, pool []provider.Deployment, load float64, charged func(trace.Request) int64) error {
	if !ValidLoad(load) {
		return fmt.Errorf("load is %v; want a number from %v to %v", load, MinLoad, MaxLoad)
	}
	tokens := int64(0)
	for _, r := range t {
		tokens += charged(r)
	}
	if tokens == 0 {
		return errors.New("the trace has no tokens, so it cannot be scaled to a load")
	}
	if provider.TPM(pool) == 0 {
		return errors.New("no deployment has a TPM limit, so there is nothing that load could be a share of")
	}
	minutes := float64(tokens) / (load * float64(provider.TPM(pool)))
	if minutes > MaxDuration.Minutes() {
		return fmt.Errorf("at load %v the trace would last %.0f days; want at most %.0f", load, minutes/60/24, MaxDuration.Hours()/24)
	}
	t.Warp(time.Duration(minutes * float64(time.Minute)))
	return nil
}

// Run replays a trace. It returns early, with ctx's error and no report, when
// ctx ends.
func Run(ctx context.Context, o Options) (*Report, error) {
	s, err := newSimulation(o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	started := time.Now()
	if err := s.run(ctx, o.Trace); err != nil {
		return nil, err
	}
	return s.finish(o.Trace, time.Since(started)), nil
}
