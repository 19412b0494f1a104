package fuzz

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// pool returns n deployments of one pool, in groups g0, g1 and g2 by turns.
func pool(n int, l engine.Limits, p provider.Profile) []engine.Deployment {
	p.Pool = "account"
	ds := same(n, "d", l)
	for i := range ds {
		ds[i].Group, ds[i].Profile = fmt.Sprint("g", i%3), p
	}
	return ds
}

// TestPoolsAdmitExactlyTheLimit: 64 goroutines that ask three groups get from
// their pool what its rule allows, and not one more.
func TestPoolsAdmitExactlyTheLimit(t *testing.T) {
	const per = 600
	for name, c := range map[string]struct {
		profile provider.Profile
		limits  engine.Limits
		want    int64
	}{
		"tokens":           {provider.Profile{}, engine.Limits{TPM: per}, per},
		"requests":         {provider.Profile{}, engine.Limits{RPM: per, TPM: 9 * per}, per},
		"bucket":           {provider.Profile{Shape: provider.Bucket}, engine.Limits{TPM: per, RPM: per + 1}, per},
		"parts":            {provider.Profile{RequestWindow: 10 * time.Second}, engine.Limits{RPM: per}, per / 6},
		"input":            {provider.Profile{Phase: 5 * time.Second}, engine.Limits{InputTPM: per}, per},
		"day":              {provider.Profile{Day: provider.DayPacific}, engine.Limits{RPD: per, TPM: 9 * per}, per},
		"the least of all": {provider.Profile{}, engine.Limits{RPM: per + 2, TPM: per + 1, TPD: per}, per},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range strategies {
				v := newVirtual()
				e := start(t, v, s, pool(12, c.limits, c.profile))
				gs := []*engine.Group{group(t, e, "g0"), group(t, e, "g1"), group(t, e, "g2")}
				var admitted atomic.Int64
				par(workers, func(k int) {
					for i := k; ; i++ {
						if _, ok := gs[i%3].TryAcquire(plain(1)); !ok {
							return
						}
						admitted.Add(1)
					}
				})
				require.Equal(t, c.want, admitted.Load(), "%s", s)
				if name != "the least of all" && !yielding { // there a later limit may undo what is half way
					require.LessOrEqual(t, e.Stats().Contended, int64(workers), "%s", s)
				}
			}
		})
	}
}

// TestPoolsInMotion: while leases come and go in three groups, what is held
// together never passes the limit; at rest exactly what is left is admitted.
func TestPoolsInMotion(t *testing.T) {
	for _, s := range ranked {
		t.Run(s.String(), func(t *testing.T) {
			limits := engine.Limits{TPM: 3000, RPM: 1_000_000, InputTPM: 4000, TPD: 2900}
			e := start(t, newVirtual(), s, pool(9, limits, provider.Profile{}))
			var held, used atomic.Int64
			par(workers, func(k int) {
				g := group(t, e, fmt.Sprint("g", k%3))
				random := rand.New(rand.NewPCG(uint64(k), 7))
				for range scale(3000) {
					n := 1 + random.Int64N(200)
					l, ok := g.TryAcquire(plain(n))
					if !ok {
						runtime.Gosched()
						continue
					}
					if now := held.Add(n); now > limits.TPD {
						t.Errorf("%d held of %d", now, limits.TPD)
					}
					if random.IntN(200) == 0 { // less than reserved, and for good
						held.Add(-n)
						c := min(n, random.Int64N(2))
						used.Add(c)
						held.Add(c)
						l.Settle(engine.Usage{InputTokens: c})
						continue
					}
					held.Add(-n)
					l.Release()
				}
			})
			left := limits.TPD - used.Load()
			require.Positive(t, left, "too much usage: the limit was reached")
			require.NotZero(t, used.Load())
			for _, st := range e.AppendStates(nil) {
				require.Equal(t, used.Load(), st.Limit(engine.LimitTPM).Used)
				require.Equal(t, used.Load(), st.Limit(engine.LimitTPD).Used)
			}
			g := group(t, e, "g1")
			_, ok := g.TryAcquire(plain(left + 1))
			require.False(t, ok)
			_, ok = g.TryAcquire(plain(left))
			require.True(t, ok)
			_, ok = group(t, e, "g2").TryAcquire(plain(1))
			require.False(t, ok)
		})
	}
}

// TestPoolsUnderApply: deployments join and leave a pool, and move between
// groups, while leases come and go; the pool's limit holds all the time.
func TestPoolsUnderApply(t *testing.T) {
	limits := engine.Limits{TPM: 3000, TPD: 50_000}
	all := pool(9, limits, provider.Profile{})
	v := newVirtual()
	e := start(t, v, engine.LeastUtilized, all)
	gs := []*engine.Group{group(t, e, "g0"), group(t, e, "g1"), group(t, e, "g2")}
	random := rand.New(rand.NewPCG(3, 9))
	var held atomic.Int64
	stop := background(func(int) {
		ds := append([]engine.Deployment(nil), all[:3]...) // every group keeps one
		for _, d := range all[3:] {
			if random.IntN(2) == 0 {
				d.Group = fmt.Sprint("g", random.IntN(3))
				ds = append(ds, d)
			}
		}
		if err := e.Apply(engine.Config{Deployments: ds}); err != nil {
			t.Error(err)
		}
	})
	par(workers, func(k int) {
		random := rand.New(rand.NewPCG(uint64(k), 11))
		for range scale(3000) {
			n := 1 + random.Int64N(200)
			l, ok := gs[random.IntN(3)].TryAcquire(plain(n))
			if !ok {
				runtime.Gosched()
				continue
			}
			if now := held.Add(n); now > limits.TPM {
				t.Errorf("%d held of %d", now, limits.TPM)
			}
			held.Add(-n)
			l.Release()
		}
	})
	stop()
	for _, st := range e.AppendStates(nil) {
		require.Zero(t, st.Limit(engine.LimitTPM).Used)
		require.Zero(t, st.Limit(engine.LimitTPD).Used)
	}
	_, ok := gs[0].TryAcquire(plain(limits.TPM))
	require.True(t, ok)
	_, ok = gs[1].TryAcquire(plain(1))
	require.False(t, ok)
}
