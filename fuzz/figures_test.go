package fuzz

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// noisy is what a provider might say, and some that none should.
func noisy(r *rand.Rand) provider.Signal {
	s := provider.Signal{Kind: []provider.Kind{
		provider.Fine, provider.Fine, provider.Fine, provider.Fine, provider.Fine, provider.RateLimit, provider.TooLarge,
		provider.Overloaded, provider.Other, provider.Rejected, provider.NoMoney,
	}[r.IntN(11)]}
	if s.Kind != provider.Fine && r.IntN(2) == 0 {
		s.RetryAfter = time.Duration(r.IntN(3000)) * time.Millisecond
	}
	for l := range provider.AllLimits() {
		if r.IntN(2) == 0 {
			continue
		}
		limit := []int64{0, 1 << 30, 1 << 31, 1 << 42}[r.IntN(4)]
		s = s.With(l, provider.Reading{
			Limit: limit, Remaining: r.Int64N(1<<31) - 1<<20, HasRemaining: r.IntN(4) != 0,
			Grain: []int64{0, 1000}[r.IntN(2)], Reset: time.Duration(r.IntN(61_000)) * time.Millisecond,
		})
	}
	return s
}

// TestFiguresAreNoUsage: while 64 goroutines use deployments of every rule
// and providers say anything at all, limits, phases and figures included, what
// Collect reports is what was used, to the last token.
func TestFiguresAreNoUsage(t *testing.T) {
	profiles := []provider.Profile{
		{}, {Shape: provider.Bucket}, {LearnPhase: true}, {Phase: 7 * time.Second, RequestWindow: 10 * time.Second},
	}
	v := newVirtual()
	list := same(8, "g", engine.Limits{RPM: 1 << 30, TPM: 1 << 30, InputTPM: 1 << 30, OutputTPM: 1 << 30, RPD: 1 << 40, TPD: 1 << 40})
	for i := range list {
		list[i].Profile = profiles[i%len(profiles)]
	}
	e := startTTL(t, v, engine.LeastUtilized, list, 24*time.Hour)
	g := group(t, e, "g")
	c := collector{}
	c.collect(e)
	var p pacer
	stopTime := hurry(v, e, &p)
	stopCollect := background(func(int) { c.collect(e) })
	var requests, tokens atomic.Int64
	par(workers, func(k int) {
		defer p.done(k)
		r := rand.New(rand.NewPCG(11, uint64(k)))
		for range scale(3000) {
			p.round(k)
			l, ok := g.TryAcquire(engine.Demand{InputTokens: 1 + r.Int64N(100), OutputTokens: 1 + r.Int64N(50)})
			if !ok {
				continue
			}
			s := noisy(r)
			if ref := l.Ref(); r.IntN(2) == 0 {
				ref.Observe(s, ref.Mark())
			} else {
				l.Observe(s)
			}
			requests.Add(1)
			if r.IntN(2) == 0 {
				tokens.Add(l.Reserved())
				l.SettleReserved()
				continue
			}
			u := engine.Usage{InputTokens: 1 + r.Int64N(120), OutputTokens: r.Int64N(90)}
			tokens.Add(u.InputTokens + u.OutputTokens)
			l.Settle(u)
		}
	})
	stopTime()
	stopCollect()
	c.collect(e)
	var gotRequests, gotTokens, split int64
	for _, w := range c {
		if w.Kind == window.KindMinute {
			gotRequests, gotTokens, split = gotRequests+w.Requests, gotTokens+w.Tokens, split+w.Input+w.Output
		}
	}
	require.Positive(t, requests.Load())
	require.Equal(t, [2]int64{requests.Load(), tokens.Load()}, [2]int64{gotRequests, gotTokens})
	require.Equal(t, tokens.Load(), split, "input and output")
	require.Equal(t, tokens.Load(), e.Stats().Tokens)
}
