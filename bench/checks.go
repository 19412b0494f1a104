package bench

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/bench/table"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func checks() []table.Check {
	return []table.Check{
		tieShares("24a", lowest),
		tieShares("24b", even),
		admitted("25a", "request limit", engine.Limits{RPM: 10_000, TPM: wide}, 1),
		admitted("25b", "token limit, 1 token each", engine.Limits{RPM: wide, TPM: 10_000}, 1),
		admitted("25c", "token limit, 1 to 50 tokens each", engine.Limits{RPM: wide, TPM: 100_000}, 50),
	}
}

// tieShares checks the draw among tied deployments: it picks often and compares the
// share of each with an even one.
func tieShares(id string, s engine.Strategy) table.Check {
	const picks = 20_000 // per tied deployment: an even share strays by 0.7 %
	run := func() (string, bool) {
		low, high := 1.0, 1.0
		for _, size := range []int{10, 64} {
			for ties := 2; ties <= 10; ties++ {
				used := randomUsage(size)
				best := least(used, ties)
				p := newPool(s, size, func(i int, m *member) {
					if m.used = used[i]; best[i] {
						m.used = 1000
					}
				})
				chosen := map[engine.Ref]int{}
				for range picks * ties {
					r, _ := p.group.Pick(hundred)
					chosen[r]++
				}
				for i := range best {
					share := float64(chosen[p.refs[i]]) / picks
					low, high = min(low, share), max(high, share)
				}
			}
		}
		return fmt.Sprintf("%.3f to %.3f", low, high), low >= 0.95 && high <= 1.05
	}
	return table.Check{
		ID: id, Name: fmt.Sprintf("%s: share of each of 2 to 10 tied, in groups of 10 and of 64", s),
		Goal: "0.95 to 1.05", Run: run,
	}
}

// admitted checks that limits hold: 64 goroutines acquire 1 to largest tokens from a
// group of ten until even one token is refused. It compares the sum with the limit.
func admitted(id, name string, l engine.Limits, largest int64) table.Check {
	const size, goroutines = 10, 64
	run := func() (string, bool) {
		p := newPool(lowest, size, func(_ int, m *member) { m.limits = l })
		var requests, tokens atomic.Int64
		var all sync.WaitGroup
		for id := range goroutines {
			all.Go(func() {
				for want := int64(id)%largest + 1; ; want = want%largest + 1 {
					lease, ok := p.group.TryAcquire(engine.Demand{InputTokens: want, OutputTokens: engine.NoOutput})
					switch {
					case ok:
						requests.Add(1)
						tokens.Add(want)
						lease.SettleReserved()
					case want == 1:
						return
					}
				}
			})
		}
		all.Wait()
		got, limit := requests.Load(), size*l.RPM
		if l.RPM == wide {
			got, limit = tokens.Load(), size*l.TPM
		}
		for _, s := range p.engine.AppendStates(nil) {
			if s.Limit(engine.LimitRPM).Used > l.RPM || s.Limit(engine.LimitTPM).Used > l.TPM {
				return fmt.Sprintf("%s is over its limit", s.ID), false
			}
		}
		return fmt.Sprintf("%d of %d", got, limit), got == limit
	}
	return table.Check{ID: id, Name: "64 goroutines, " + name + ": admitted", Goal: "exactly the limit", Run: run}
}
