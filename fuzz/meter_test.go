package fuzz

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestNoDayIsOverItsLimit: minutes and days pass while more is wanted than there
// is. No day of any deployment admits more than its limits, and each day that
// was open long enough is used up.
func TestNoDayIsOverItsLimit(t *testing.T) {
	each(t, ranked, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		limits := engine.Limits{RPD: 20, TPD: 300}
		v := newVirtual()
		e := start(t, v, s, same(n, "g", limits))
		g := group(t, e, "g")
		var p pacer
		// What leases of a day have taken: a lease is of the day in which it was
		// acquired, and no acquire meets two moves of time.
		type use struct{ requests, tokens atomic.Int64 }
		const days = 12
		used := map[string]*[days]use{}
		for _, st := range e.AppendStates(nil) {
			used[st.ID] = new([days]use)
		}
		begin := v.ns.Load()
		today := func() int64 { return v.ns.Load()/day - begin/day }
		var unsure atomic.Int64
		stop := background(func(int) {
			p.move(func() { v.add(6 * time.Hour) })
		})
		par(workers, func(k int) {
			defer p.done(k)
			random := rand.New(rand.NewPCG(4, uint64(k)))
			for today() < days-1 {
				d0, n := today(), 1+random.Int64N(40)
				l, ok := g.TryAcquire(plain(n))
				if ok {
					if d1 := today(); d0 == d1 {
						u := &used[l.Ref().ID()][d0]
						u.requests.Add(1)
						u.tokens.Add(n)
					} else {
						unsure.Add(1) // which of the two days
					}
					l.SettleReserved()
				} else {
					runtime.Gosched()
				}
				p.round(k)
			}
		})
		stop()
		var requests, tokens int64
		for id, ds := range used {
			for i := range ds {
				r, n := ds[i].requests.Load(), ds[i].tokens.Load()
				require.LessOrEqual(t, r, limits.RPD, "%s, day %d", id, i)
				require.LessOrEqual(t, n, limits.TPD, "%s, day %d", id, i)
				requests += r
				tokens += n
			}
		}
		require.Equal(t, e.Stats().Admitted, requests+unsure.Load())
		require.Greater(t, tokens, limits.TPD, "less usage than the limit of one day")
	})
}

// TestMetersAtRest: leases of every ending leave in the meters what was used,
// to the last token, while limits come and go.
func TestMetersAtRest(t *testing.T) {
	each(t, ranked, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		limits := engine.Limits{InputTPM: 20_000, OutputTPM: 9000, RPD: 200, TPD: 25_000}
		e := start(t, newVirtual(), s, same(n, "g", limits))
		g := group(t, e, "g")
		var input, output, requests atomic.Int64
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(7, uint64(k)))
			for range scale(3000) {
				q := engine.Demand{InputTokens: random.Int64N(100), OutputTokens: 1 + random.Int64N(50)}
				l, ok := g.TryAcquire(q)
				if !ok {
					runtime.Gosched()
					continue
				}
				switch random.IntN(4) {
				case 0:
					l.Release()
					continue
				case 1:
					l.SettleReserved()
				case 2:
					q.InputTokens, q.OutputTokens = random.Int64N(100), random.Int64N(50)
					l.Settle(engine.Usage{InputTokens: q.InputTokens, OutputTokens: q.OutputTokens})
				case 3:
					l.Add(3)
					q.OutputTokens += 3
					l.SettleReserved()
				}
				requests.Add(1)
				input.Add(q.InputTokens)
				output.Add(q.OutputTokens)
			}
		})
		var in, out, req, tok int64
		for _, st := range e.AppendStates(nil) {
			in, out, req, tok = in+st.Limit(engine.LimitInputTPM).Used, out+st.Limit(engine.LimitOutputTPM).Used, req+st.Limit(engine.LimitRPD).Used, tok+st.Limit(engine.LimitTPD).Used
			require.LessOrEqual(t, st.Limit(engine.LimitRPD).Used, limits.RPD)
		}
		require.Equal(t, [4]int64{input.Load(), output.Load(), requests.Load(), input.Load() + output.Load()}, [4]int64{in, out, req, tok})
	})
}
