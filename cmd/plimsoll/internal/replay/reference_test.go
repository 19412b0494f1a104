//go:build !race

package replay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// reference knows each provider's rule, phase included, but no more of a call
// than any router does: it keeps the same accounts of its own calls with prompts
// as it takes them for, sends a call where the largest share would lapse unused,
// and leaves a deployment that refused alone for Retry-After. It shows what can
// be had by knowing the rule, and so which goals are within reach.
type reference struct {
	now   func() time.Time
	rules []*provider.Rule
	kinds []provider.Kind
	cool  []time.Time
}

func newReference(pool []provider.Deployment, now func() time.Time, _ uint64) (replay.Policy, error) {
	p := &reference{now: now, cool: make([]time.Time, len(pool))}
	for _, d := range pool {
		p.rules, p.kinds = append(p.rules, d.Kind.New(d)), append(p.kinds, *d.Kind)
	}
	return p, nil
}

// ownSize is how much of a call's own size counts in the ranking.
const ownSize = 0.3

func (p *reference) Admit(r trace.Request, tried []int) (replay.Attempt, bool) {
	now, place, best := p.now(), -1, 0.0
	r.Input = r.Prompt()
	for i, rule := range p.rules {
		if slices.Contains(tried, i) || now.Before(p.cool[i]) || !rule.Fits(now, r) {
			continue
		}
		rank := p.lapsing(rule.AppendStates(nil, now), p.kinds[i].Charge(r))
		if place < 0 || rank > best {
			place, best = i, rank
		}
	}
	if place < 0 {
		return nil, false
	}
	p.rules[place].Admit(now, r)
	return &referenceAttempt{p, place, now, r.Input}, true
}

// lapsing returns the share that would lapse in a second.
func (p *reference) lapsing(states []rule.State, charge int64) float64 {
	used, left := 0.0, 60.0
	for _, s := range states {
		n := int64(ownSize * float64(charge))
		if s.Kind.CountsRequests() {
			n = 1
		}
		used = max(used, s.Used(n))
		if s.Kind == rule.Tokens && s.Whole {
			left = s.Reset.Seconds()
		}
	}
	return (1 - used) / left
}

type referenceAttempt struct {
	*reference
	place    int
	admitted time.Time
	reserved int64
}

func (a *referenceAttempt) Deployment() int { return a.place }

func (a *referenceAttempt) Reserved() int64 { return a.reserved }

// Served puts the prompt's true size in the place of what it was taken for.
func (a *referenceAttempt) Served(r trace.Request) {
	a.rules[a.place].End(a.now(), a.admitted, trace.Request{Output: r.Tokens() - a.reserved})
}

func (a *referenceAttempt) Refused(retryAfter time.Duration) {
	a.cool[a.place] = a.now().Add(retryAfter)
}

// knowing are the goals for a policy that knows the rule, on the generators: what it
// reaches, less half a percent and a fifth more refusals. The long answers of "long" cost
// it most of its refusals under Azure's rules, and goodput under a sliding minute.
var knowing = map[string]bar{
	"fixed":         {goodput: 0.975, refused: 2},
	"fixed-unknown": {goodput: 0.99, refused: 3},
	"bucket":        {goodput: 0.99, refused: 1},
	"azure10":       {goodput: 0.99, refused: 7},
	"azure1":        {goodput: 0.99, refused: 7},
	"sliding":       {goodput: 0.968, refused: 3},
}

// Knowing the rule is enough for what the engine is to reach with it.
func TestKnowingTheRuleIsEnough(t *testing.T) {
	names, load := ruleTraffics(t)
	names = names[:len(generators)] // everyone has them
	if !full {
		names = names[:2]
	}
	for kind, goal := range knowing {
		got := bar{}
		for _, name := range names {
			r := ruled(t, load(name), *kindNamed(t, kind), newReference, "reference")
			got.goodput += r.Clairvoyant.Goodput / float64(len(names))
			got.refused += 1000 * float64(r.Provider429) / float64(r.Offered) / float64(len(names))
		}
		got.check(t, *kindNamed(t, kind), goal)
		t.Logf("%s: %.2f %% of the best clairvoyant's tokens, %.2f 429s per 1000", kind, 100*got.goodput, got.refused)
	}
}

// underRule replays requests at 95 % load.
func underRule(t *testing.T, requests trace.Trace, kind provider.Kind, policy string) *replay.Report {
	t.Helper()
	p, err := replay.PolicyNamed(policy, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	return ruled(t, requests, kind, p, policy)
}

func ruled(t *testing.T, requests trace.Trace, kind provider.Kind, p replay.NewPolicy, name string) *replay.Report {
	t.Helper()
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	o := replay.Options{Trace: requests, Pool: pool, Policy: p, PolicyName: name, Kind: &kind, Seed: 1}
	if *rulesNodes > 1 && name != "reference" {
		o.Nodes = &replay.Nodes{Count: *rulesNodes, Interval: 100 * time.Millisecond}
	}
	require.NoError(t, replay.FitRule(requests, o, 0.95))
	r, err := replay.RunRule(t.Context(), o)
	require.NoError(t, err)
	requireConsistent(t, r)
	return r
}
