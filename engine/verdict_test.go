package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestOneVerdict: whether a demand fits is written down in several forms: with branches
// and reasons for refusals, and without branches in the scans. At rest all forms say the
// same of random limits, rules, usages, ceilings, cooldowns, classes and demands, and the
// engine does as they say.
func TestOneVerdict(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() || invariants.Enabled { // make race, and the core once more in make test
		seeds = 60
	}
	fit, nowhere, refused := 0, 0, map[Limit]int{}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 3))
		now := time.Unix(1_800_000_000, 0).Add(time.Duration(r.IntN(60)) * time.Second)
		e, err := New(randomConfig(r, func() time.Time { return now }))
		require.NoError(t, err)
		g, err := e.Group("chat")
		require.NoError(t, err)
		for range 40 {
			now = now.Add(time.Duration(r.IntN(4_000)) * time.Millisecond)
			stir(r, e, g, now)
			d := randomDemand(r)
			_, at := func() (bool, counter.At) { e, n := g.minute(); return true, counter.At{Epoch: e, Now: n} }()
			var q query
			require.True(t, q.fill(&g.owner, &d, true))
			q.at, q.now, q.fresh = at, at.Now, true
			v, some := g.view.Load(), false
			for i, h := range v.handles {
				a := q.amountsOn(h, v.limitsOf(i))
				g.mu.Lock()
				w := h.wait(a, q.part, true, at.Now)
				g.mu.Unlock()
				fits := w.fits()
				some = some || fits
				if refused[w.limit()]++; fits {
					fit++
				}
				say := "seed %d, deployment %d: %+v: verdict %v of %+v"
				require.Equal(t, fits, v.fits(i, &q), "fits, "+say, seed, i, d, w.limit(), a)
				on := trial{h: h, limits: v.limitsOf(i), at: at, part: q.part, amounts: a, leases: true}
				is := on.verdict()
				require.False(t, is.pending || is.unsure, "an attempt half way at rest, "+say, seed, i, d, w.limit(), a)
				require.Equal(t, fits, is.fits(), "verdict, "+say, seed, i, d, w.limit(), a)
				require.False(t, fits && is.headroom < a[counter.Tokens], "headroom %d, "+say, is.headroom, seed, i, d, w.limit(), a)
				if q.part == 0 {
					var k [1]uint64
					v.keys(k[:], i, at, &a, true)
					require.Equal(t, fits, k[0] != order.NoKey, "keys, "+say, seed, i, d, w.limit(), a)
					if fits {
						require.Equal(t, k[0], v.key(i, at), "key, "+say, seed, i, d, w.limit(), a)
					}
				}
				g.mu.Lock()
				w = h.wait(preChecking(h, &d), q.part, false, at.Now)
				g.mu.Unlock()
				if r.IntN(8) == 0 {
					require.Equal(t, w.fits(), Ref{h}.PreCheck(d), "PreCheck, seed %d, deployment %d: %+v: verdict %v", seed, i, d, w.limit())
					break // the demand was counted: what was looked at is not what there is
				} else if i == v.n-1 {
					look := q
					look.filter = &filter{demand: &Demand{}}
					none := g.hasNoRoom(&look)
					require.Equal(t, v.timeDependent && !some, none, "hasNoRoom, seed %d: %+v", seed, d)
					if none {
						nowhere++
						g.asked.Store(false)
						waits := &waiters{kind: kind{class: d.Priority}, like: &Demand{}}
						require.True(t, g.fits(waits, &a, nil) || g.asked.Load(), "Collect lists what a waiter may go to, seed %d", seed)
					}
					_, err := g.Acquire(d)
					require.Equal(t, some, err == nil, "Acquire, seed %d: %+v: %v", seed, d, err)
				}
			}
		}
	}
	require.NotZero(t, fit)
	require.NotZero(t, nowhere)
	for _, l := range []Limit{LimitRPM, LimitTPM, LimitInputTPM, LimitOutputTPM, LimitRPH, LimitTPD, LimitInFlight, LimitCooldown, LimitDisabled, LimitShare} {
		require.NotZero(t, refused[l], "nothing was refused by %v", l)
	}
}

// randomConfig has up to four deployments of one group with random limits and rules.
func randomConfig(r *rand.Rand, now func() time.Time) Config {
	cfg := Config{Clock: window.NewClockFrom(now), PriorityShare: []float64{1, 0.6}, Strategy: Strategy(r.IntN(len(strategies)))}
	for i := range 1 + r.IntN(4) {
		d := Deployment{ID: string(rune('a' + i)), Group: "chat"}
		for l := range provider.AllLimits() {
			most := int64(2_000)
			if !l.CountsTokens() {
				most = 12
			}
			switch r.IntN(6) {
			case 0, 1:
				*d.Limits.Of(l) = 1 + r.Int64N(most)
			case 2:
				if r.IntN(6) == 0 {
					*d.Limits.Of(l) = Blocked
				}
			}
		}
		switch r.IntN(5) {
		case 0:
			d.Profile.Shape = provider.Bucket
		case 1:
			d.Profile.Phase = time.Duration(r.IntN(60)) * time.Second
		case 2:
			d.Profile.RequestWindow = 10 * time.Second
		case 3:
			d.Profile.Admit, d.Profile.Weights = provider.AdmitInputMax, provider.Weights{Input: 1, CachedInput: 0.5, CacheWrite: 1, Output: 2}
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	return cfg
}

func randomDemand(r *rand.Rand) Demand {
	return Demand{InputTokens: r.Int64N(400), OutputTokens: r.Int64N(3) * r.Int64N(200), MaxOutputTokens: r.Int64N(2) * r.Int64N(600), Priority: r.IntN(2)}
}

// stir changes what is used, or whether deployments take requests.
func stir(r *rand.Rand, e *Engine, g *Group, now time.Time) {
	h := g.view.Load().handles[r.IntN(g.view.Load().n)]
	switch r.IntN(8) {
	case 0, 1, 2:
		if l, ok := g.TryAcquire(randomDemand(r)); ok && r.IntN(2) == 0 {
			l.Settle(Usage{InputTokens: r.Int64N(400), OutputTokens: r.Int64N(300)})
		}
	case 3:
		Ref{h}.Record(Usage{InputTokens: r.Int64N(300)})
	case 4:
		Ref{h}.SetEnabled(r.IntN(4) != 0)
	case 5:
		Ref{h}.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Duration(r.IntN(9_000)) * time.Millisecond}, Mark{})
	case 6:
		s := window.Share{Tally: window.Tally{ID: h.id, Start: window.StartSeconds(window.EpochAt(now.UnixNano())), Tokens: r.Int64N(500), Requests: r.Int64N(4)}}
		if r.IntN(2) == 0 {
			s.CeilingTokens, s.CeilingRequests = 1+r.Int64N(900), 1+r.Int64N(8)
		}
		e.Absorb([]window.Share{s})
	case 7:
	}
}
