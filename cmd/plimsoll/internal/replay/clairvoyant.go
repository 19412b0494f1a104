package replay

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// ClairvoyantName is the name of the policy that sees all counts of the providers
// and the lengths of coming answers: the best of several greedy ones, by tokens
// served. It is no strict bound: a policy that looks ahead or lets calls wait may
// serve more.
const ClairvoyantName = "clairvoyant"

// ClairvoyantReport is the result of the best clairvoyant on the same traffic.
type ClairvoyantReport struct {
	Best         string `json:"best"`          // its name
	TokensServed int64  `json:"tokens_served"` // by it
	// Goodput is the policy's tokens served as a share of the best clairvoyant's.
	Goodput float64 `json:"goodput"`
	// FewestRefused is how many calls the clairvoyant with the fewest refused.
	FewestRefused int64 `json:"fewest_refused"`
	// Avoidable is how many calls the policy refused, or let be refused, beyond
	// those; below 0 where it did better.
	Avoidable int64 `json:"avoidable"`
}

// A Sight ranks a deployment on which a call of that charge fits: the highest
// comes first.
type Sight func(states []rule.State, charged rule.Charge) float64

// Greedy are the clairvoyants. A pooled one has a single deployment with the limits
// of all, and no choice to make.
var Greedy = []struct {
	Name   string
	Sight  Sight
	Pooled bool
}{
	{"lowest", func(s []rule.State, _ rule.Charge) float64 { return -inUse(s, rule.Charge{}) }, false},
	{"lowest with own size", LowestWithOwnSize, false},
	{"fullest", func(s []rule.State, _ rule.Charge) float64 { return inUse(s, rule.Charge{}) }, false},
	{"expiring first", func(s []rule.State, _ rule.Charge) float64 { return lapsing(s, rule.Charge{}) }, false},
	{"expiring first with own size", func(s []rule.State, own rule.Charge) float64 { return lapsing(s, own) }, false},
	{"one pooled deployment", func([]rule.State, rule.Charge) float64 { return 0 }, true},
}

// LowestWithOwnSize ranks by how little of any limit is in use once the call is in.
func LowestWithOwnSize(s []rule.State, own rule.Charge) float64 { return -inUse(s, own) }

// inUse returns the largest share in use of any limit once the call is in.
func inUse(states []rule.State, own rule.Charge) float64 {
	used := 0.0
	for _, s := range states {
		n := s.Kind.Of(own)
		if own == (rule.Charge{}) {
			n = 0
		}
		used = max(used, s.Used(n))
	}
	return used
}

// lapsing returns the share of the limits that would expire unused within a second.
// A limit that refills continuously never expires: it ranks like a window at its
// beginning.
func lapsing(states []rule.State, own rule.Charge) float64 {
	left := time.Minute
	for _, s := range states {
		if s.Kind == rule.Tokens && s.Whole {
			left = s.Reset
		}
	}
	return (1 - inUse(states, own)) / max(left.Seconds(), 1e-3)
}

// clairvoyant keeps the same accounts as the providers.
type clairvoyant struct {
	kind     provider.Kind
	sight    Sight
	now      func() time.Time
	accounts []*provider.Rule
	states   []rule.State // kept for its memory
}

func newClairvoyant(kind provider.Kind, sight Sight) NewPolicy {
	return func(pool []provider.Deployment, now func() time.Time, _ uint64) (Policy, error) {
		c := &clairvoyant{kind: kind, sight: sight, now: now}
		for _, d := range pool {
			c.accounts = append(c.accounts, kind.New(d))
		}
		return c, nil
	}
}

// Admit implements [Policy].
func (c *clairvoyant) Admit(r trace.Request, _ []int) (Attempt, bool) {
	place, best, now := -1, math.Inf(-1), c.now()
	for i, account := range c.accounts {
		if !account.Fits(now, r) {
			continue
		}
		c.states = account.AppendStates(c.states[:0], now)
		if rank := c.sight(c.states, c.kind.Cost(r)); place < 0 || rank > best {
			place, best = i, rank
		}
	}
	if place < 0 {
		return nil, false
	}
	c.accounts[place].Admit(now, r)
	return &clairvoyantAttempt{c, place, now, r.Input}, true
}

type clairvoyantAttempt struct {
	*clairvoyant
	place    int
	admitted time.Time
	reserved int64
}

func (a *clairvoyantAttempt) Deployment() int { return a.place }

func (a *clairvoyantAttempt) Reserved() int64 { return a.reserved }

// Served implements [Attempt].
func (a *clairvoyantAttempt) Served(r trace.Request) { a.accounts[a.place].End(a.now(), a.admitted, r) }

// Refused implements [Attempt].
func (a *clairvoyantAttempt) Refused(time.Duration) {
	panic("replay: a clairvoyant was refused: its accounts are not the provider's")
}

// ClairvoyantRuns is how many runs [Clairvoyants] makes.
var ClairvoyantRuns = len(Greedy)

// Clairvoyants replays a trace under every clairvoyant, and returns the report
// of the one that served the most tokens. o.Kind must be set; o.Policy and
// o.Nodes are not looked at.
func Clairvoyants(ctx context.Context, o Options) (best *Report, err error) {
	progress, pool := o.Progress, o.Pool
	o.Nodes, o.PolicyName = nil, ClairvoyantName
	fewest := int64(math.MaxInt64)
	for i, c := range Greedy {
		o.Policy, o.Pool = newClairvoyant(*o.Kind, c.Sight), pool
		if c.Pooled {
			o.Pool = []provider.Deployment{provider.Pooled(pool)}
		}
		if progress != nil {
			o.Progress = func(n int) { progress(i*len(o.Trace) + n) }
		}
		r, err := Run(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("clairvoyant %s: %w", c.Name, err)
		}
		fewest = min(fewest, r.RefusedLocal)
		if best == nil || r.TokensServed > best.TokensServed {
			best = r
			best.Clairvoyant = &ClairvoyantReport{Best: c.Name, TokensServed: r.TokensServed}
		}
	}
	best.Clairvoyant.FewestRefused = fewest
	best.against(best.Clairvoyant)
	return best, nil
}

// against measures a report by the best clairvoyant's.
func (r *Report) against(best *ClairvoyantReport) {
	c := *best
	c.Goodput = share(r.TokensServed, c.TokensServed)
	c.Avoidable = r.RefusedLocal + r.RefusedProvider - c.FewestRefused
	r.Clairvoyant = &c
}
