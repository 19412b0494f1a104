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

// A tab is what callers know they have used: all of it, whatever window it is
// counted in.
type tab struct {
	admitted, checked atomic.Int64 // leases and pre-checks
	released          atomic.Int64
	tokens            atomic.Int64
}

// requests is what was admitted and not given back.
func (b *tab) requests() int64 { return b.admitted.Load() + b.checked.Load() - b.released.Load() }

// requireTotals holds an engine's lifetime totals, at rest, against the tab.
func (b *tab) requireTotals(t *testing.T, s engine.Stats) {
	t.Helper()
	require.Equal(t, b.tokens.Load(), s.Tokens)
	require.Equal(t, b.admitted.Load()+b.checked.Load(), s.Admitted)
	require.Equal(t, b.admitted.Load(), s.Settled+s.Released+s.Expired)
	require.LessOrEqual(t, s.Released, b.released.Load())
	require.Zero(t, s.Held+s.Invalid+s.Dropped)
}

// work runs traffic of every kind on one goroutine and keeps the tab. Leases are
// ended a little later, at random, all of them in the end.
func (b *tab) work(p *pacer, k int, groups []*engine.Group, more func(round int) bool) {
	defer p.done(k)
	random := rand.New(rand.NewPCG(1, uint64(k)))
	var held []*engine.Lease
	end := func(i int) {
		l := held[i]
		held[i] = held[len(held)-1]
		held = held[:len(held)-1]
		reserved := l.Reserved()
		switch random.IntN(4) {
		case 0:
			b.tokens.Add(-reserved)
			b.released.Add(1)
			l.Release()
		case 1:
			l.SettleReserved()
		default:
			used := random.Int64N(2*reserved + 1)
			b.tokens.Add(used - reserved)
			l.Settle(engine.Usage{InputTokens: used / 3, OutputTokens: used - used/3})
		}
	}
	for i := 0; more(i); i++ {
		l := new(engine.Lease)
		var ok bool
		if *l, ok = groups[random.IntN(len(groups))].TryAcquire(plain(1 + random.Int64N(500))); ok {
			b.admitted.Add(1)
			b.tokens.Add(l.Reserved() + 3)
			l.Ref().Record(engine.Usage{InputTokens: 1, OutputTokens: 2})
			held = append(held, l)
			if i%16 == 0 && l.Ref().PreCheck(engine.Demand{}) {
				b.checked.Add(1)
			}
		}
		if len(held) > 20 || random.IntN(2) == 0 && len(held) > 0 {
			end(random.IntN(len(held)))
		}
		p.round(k)
	}
	for len(held) > 0 {
		end(0)
		p.round(k)
	}
}

// lots is a limit that no demand reaches, so that own usage is all that happens.
var lots = engine.Limits{TPM: 1 << 42, RPM: 1 << 42}

// lotsOfAll is that of every limit.
var lotsOfAll = engine.Limits{
	TPM: 1 << 42, RPM: 1 << 42, InputTPM: 1 << 42, OutputTPM: 1 << 42, RPD: 1 << 42, TPD: 1 << 42, MaxInFlight: 1 << 40,
}

// hurry moves time over the end of a minute again and again and makes everybody
// look: as fast as it can without a pacer, in pace with the workers otherwise.
// Now and then it jumps over several minutes, but not when paced.
func hurry(v *virtual, e *engine.Engine, p *pacer) (stop func()) {
	states := e.AppendStates(nil)
	minutes := v.ns.Load() / minute
	return background(func(round int) {
		switch {
		case p != nil:
			// A request that meets a turn under way counts in the minute before, so the
			// step is over once the engine has turned.
			if !p.move(func() { v.add(time.Minute); states = e.AppendStates(states[:0]) }) {
				return
			}
		case round%50 == 49:
			v.add(5 * time.Minute)
		default:
			v.add(time.Minute / 3)
		}
		states = e.AppendStates(states[:0])
		if now := v.ns.Load() / minute; now != minutes {
			minutes = now
			v.rolls.Add(1)
		}
	})
}

// TestRolloverLosesNothing: thousands of rollovers while writers run, faster
// than the writers are. What the callers have used is in the lifetime totals to
// the last token.
func TestRolloverLosesNothing(t *testing.T) {
	each(t, ranked, []int{1, 10, 65, 128}, func(t *testing.T, s engine.Strategy, n int) {
		v := newVirtual()
		// No lease expires: it could while the acquire that takes it is asleep.
		limits := [...]engine.Limits{lots, lotsOfAll}[n%2] // both have a group with an index and one without
		e := startTTL(t, v, s, same(n, "g", limits), 24*time.Hour)
		g := group(t, e, "g")
		var b tab
		var p pacer
		stop := hurry(v, e, nil)
		rolls := int64(scale(1000))
		par(workers, func(k int) {
			b.work(&p, k, []*engine.Group{g}, func(round int) bool { return round < scale(500) || v.rolls.Load() < rolls })
		})
		stop()
		b.requireTotals(t, e.Stats())
		require.NotZero(t, b.checked.Load())
	})
}

// TestCollectSeesEverything: a collector runs beside writers and rollovers,
// which come one by one: no operation meets two of them, no lease is ended after
// the second. So every token has its window, and the last reports of all windows
// together are what was used.
func TestCollectSeesEverything(t *testing.T) {
	each(t, ranked, []int{1, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		v := newVirtual()
		e := start(t, v, s, same(n, "g", lots))
		g := group(t, e, "g")
		c := collector{}
		c.collect(e)
		var b tab
		var p pacer
		stopTime := hurry(v, e, &p)
		stopCollect := background(func(int) { c.collect(e) })
		par(workers, func(k int) {
			defer p.done(k)
			random := rand.New(rand.NewPCG(9, uint64(k)))
			for i := 0; goesOn(i, unthirded(4000), &v.rolls, 8); i++ {
				p.round(k)
				tokens := 1 + random.Int64N(100)
				l, ok := g.TryAcquire(plain(tokens))
				if !ok {
					continue
				}
				b.admitted.Add(1)
				b.tokens.Add(tokens + 1)
				l.Ref().Record(engine.Usage{InputTokens: 1})
				switch i % 4 {
				case 0:
					l.Settle(engine.Usage{InputTokens: tokens + 5})
					b.tokens.Add(5)
				case 1:
					l.Settle(engine.Usage{InputTokens: tokens / 2})
					b.tokens.Add(tokens/2 - tokens)
				case 2:
					l.Release()
					b.tokens.Add(-tokens)
					b.released.Add(1)
				case 3:
					l.SettleReserved()
				}
			}
		})
		stopTime()
		stopCollect()
		c.collect(e)
		b.requireTotals(t, e.Stats())
		requests, tokens := c.sum()
		require.Equal(t, [2]int64{b.requests(), b.tokens.Load()}, [2]int64{requests, tokens})
		windows := map[int64]bool{}
		for k := range c {
			windows[k.start] = true
		}
		require.Greater(t, len(windows), 5, "too few windows")
	})
}

// TestNoMinuteIsOverItsLimit: with a limit that binds all the time and minutes
// that pass all the time, no window of any deployment holds more than its limit.
func TestNoMinuteIsOverItsLimit(t *testing.T) {
	each(t, ranked, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		limits := engine.Limits{TPM: 300, RPM: 20}
		v := newVirtual()
		e := start(t, v, s, same(n, "g", limits))
		g := group(t, e, "g")
		c := collector{}
		c.collect(e)
		stop := hurry(v, e, nil)
		stopCollect := background(func(int) { c.collect(e) })
		var admitted atomic.Int64
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(4, uint64(k)))
			for i := range unthirded(4000) {
				if l, ok := g.TryAcquire(plain(1 + random.Int64N(40))); ok {
					admitted.Add(1)
					l.SettleReserved()
				}
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
		})
		stop()
		stopCollect()
		c.collect(e)
		for k, r := range c {
			require.LessOrEqual(t, r.Tokens, limits.TPM, "%v", k)
			require.LessOrEqual(t, r.Requests, limits.RPM, "%v", k)
		}
		requests, _ := c.sum()
		require.Equal(t, admitted.Load(), requests)
		require.Zero(t, e.Stats().Overrun)
	})
}
