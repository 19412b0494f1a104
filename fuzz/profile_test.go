package fuzz

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestProfilesAdmitExactlyTheLimit: at one instant 64 goroutines get from each
// deployment what its provider's rule allows and not one more, and after a while
// what has come back.
func TestProfilesAdmitExactlyTheLimit(t *testing.T) {
	const per = 60
	for name, c := range map[string]struct {
		profile       provider.Profile
		limits        engine.Limits
		first, second int64 // admitted at once, and after 10 s
	}{
		"bucket, tokens":     {provider.Profile{Shape: provider.Bucket}, engine.Limits{TPM: per}, per, per / 6},
		"bucket, requests":   {provider.Profile{Shape: provider.Bucket}, engine.Limits{RPM: per}, per, per / 6},
		"bucket, both":       {provider.Profile{Shape: provider.Bucket}, engine.Limits{RPM: per + 6, TPM: per}, per, per / 6},
		"bucket, input":      {provider.Profile{Shape: provider.Bucket}, engine.Limits{InputTPM: per}, per, per / 6},
		"parts of 10 s":      {provider.Profile{RequestWindow: 10 * time.Second}, engine.Limits{RPM: per, TPM: 2 * per}, per / 6, per / 6},
		"phase of 5 s":       {provider.Profile{Phase: 5 * time.Second}, engine.Limits{TPM: per}, per, per},
		"day of the Pacific": {provider.Profile{Day: provider.DayPacific}, engine.Limits{RPD: per}, per, 0},
		"not before the end": {provider.Profile{Admit: provider.AdmitNothing}, engine.Limits{TPM: 1, RPM: per}, per, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for i, s := range strategies {
				for k, n := range raceSizes([]int{1, 10, 65, 128}) {
					if raceEnabled && (i+k)%3 != 0 { // each strategy and each size all the same
						continue
					}
					ds := same(n, "g", c.limits)
					for i := range ds {
						ds[i].Profile = c.profile
					}
					v := newVirtual()
					e := start(t, v, s, ds)
					g := group(t, e, "g")
					var admitted atomic.Int64
					all := func() int64 {
						admitted.Store(0)
						par(workers, func(int) {
							for {
								if _, ok := g.TryAcquire(plain(1)); !ok {
									return
								}
								admitted.Add(1)
							}
						})
						return admitted.Load()
					}
					require.Equal(t, c.first*int64(n), all(), "%s, %d", s, n)
					v.add(10 * time.Second)
					require.Equal(t, c.second*int64(n), all(), "%s, %d, later", s, n)
				}
			}
		})
	}
}

// TestBucketsInMotion: while leases are taken, settled and released and time
// goes on, no deployment takes more than its bucket could hold and gain.
func TestBucketsInMotion(t *testing.T) {
	each(t, ranked, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		limits := engine.Limits{TPM: 6000, RPM: 600, InputTPM: 5000}
		ds := same(n, "g", limits)
		for i := range ds {
			ds[i].Profile = provider.Profile{Shape: provider.Bucket, RequestWindow: 10 * time.Second}
		}
		v := newVirtual()
		e := start(t, v, s, ds)
		g := group(t, e, "g")
		taken := map[string]*atomic.Int64{}
		for _, d := range ds {
			taken[d.ID] = new(atomic.Int64)
		}
		begin := v.ns.Load()
		stop := background(func(int) { v.add(time.Millisecond) })
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(uint64(k), 5))
			for range scale(2000) {
				tokens := 1 + random.Int64N(90)
				l, ok := g.TryAcquire(plain(tokens))
				if !ok {
					continue
				}
				if random.IntN(3) == 0 {
					l.Release()
					continue
				}
				taken[l.Ref().ID()].Add(tokens)
				l.SettleReserved()
			}
		})
		stop()
		gained := float64(v.ns.Load()-begin) / float64(minute)
		var sum int64
		for id, n := range taken {
			require.LessOrEqual(t, float64(n.Load()), float64(limits.InputTPM)*(1+gained), id)
			sum += n.Load()
		}
		require.NotZero(t, sum)
	})
}
