package fuzz

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestUnitSizesAdmitExactlyTheLimit: whatever the limit that binds, 64
// goroutines get what it allows and not one more, and no refusal was a guess.
func TestUnitSizesAdmitExactlyTheLimit(t *testing.T) {
	each(t, strategies, []int{1, 10, 65, 128, 1000}, func(t *testing.T, s engine.Strategy, n int) {
		per := int64(scale(20_000)/n + 7)
		for name, limits := range map[string]engine.Limits{
			"rpm":       {RPM: per},
			"tpm":       {TPM: per},
			"in flight": {MaxInFlight: per},
			"all":       {RPM: per, TPM: per, MaxInFlight: per},
			"two":       {RPM: per + 5, TPM: per},
			"rpm first": {RPM: per, TPM: per + 3, MaxInFlight: 2 * per},
			"input":     {InputTPM: per},
			"output":    {OutputTPM: per},
			"rpd":       {RPD: per},
			"tpd":       {TPD: per},
			"day first": {TPD: per, RPM: per + 3, InputTPM: per + 1},
		} {
			v := newVirtual()
			e := start(t, v, s, same(n, "g", limits))
			g := group(t, e, "g")
			var admitted atomic.Int64
			par(workers, func(int) {
				for {
					q := plain(1)
					if limits.OutputTPM != 0 {
						q = engine.Demand{OutputTokens: 1}
					}
					if _, ok := g.TryAcquire(q); !ok {
						return
					}
					admitted.Add(1)
				}
			})
			require.Equal(t, per*int64(n), admitted.Load(), name)
			for _, st := range e.AppendStates(nil) {
				require.Equal(t, [3]int64{per, per, per}, [3]int64{st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitTPM).Used, st.Limit(engine.LimitInFlight).Used}, name)
			}
			stats := e.Stats()
			require.Equal(t, admitted.Load(), stats.Admitted, name)
			// There attempts may be undone, and one asleep may take its time.
			if name != "rpm first" && name != "day first" && name != "all" {
				require.True(t, yielding || stats.Contended <= workers, name) // each may meet one that sleeps half way
			}
		}
	})
}

// TestPreCheckAdmitsExactlyTheLimit: the same by PreCheck, whose tokens come later.
func TestPreCheckAdmitsExactlyTheLimit(t *testing.T) {
	const limit = 5000
	e := start(t, newVirtual(), engine.LowestTPM, same(1, "g", engine.Limits{RPM: limit}))
	r := ref(t, e, "g0")
	var admitted atomic.Int64
	par(workers, func(int) {
		for r.PreCheck(engine.Demand{}) {
			admitted.Add(1)
			r.Record(engine.Usage{InputTokens: 2, OutputTokens: 1})
		}
	})
	require.EqualValues(t, limit, admitted.Load())
	st := e.AppendStates(nil)[0]
	require.Equal(t, [2]int64{limit, 3 * limit}, [2]int64{st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitTPM).Used})
	require.True(t, yielding || e.Stats().Contended <= workers)
}

// TestMixedSizesNeverPassTheLimit: sizes from 1 to 40 against three limits at
// once, in some groups on different deployments. No deployment passes any of its
// limits, and once all is quiet nothing that was refused would still fit.
func TestMixedSizesNeverPassTheLimit(t *testing.T) {
	each(t, strategies, []int{1, 10, 65, 128, 1000}, func(t *testing.T, s engine.Strategy, n int) {
		ds := same(n, "g", engine.Limits{})
		for i := range ds {
			ds[i].Limits = [4]engine.Limits{
				{TPM: 1000, RPM: 55, MaxInFlight: 53},
				{TPM: 700, RPM: 1000},
				{TPM: 5000, MaxInFlight: 40},
				{TPD: 800, InputTPM: 700, RPD: 50, RPM: 60},
			}[i%4]
		}
		e := start(t, newVirtual(), s, ds)
		g := group(t, e, "g")
		var tokens, requests atomic.Int64
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(uint64(k), uint64(n)))
			for size := int64(40); size > 0; {
				q := 1 + random.Int64N(size)
				if _, ok := g.TryAcquire(plain(q)); ok {
					tokens.Add(q)
					requests.Add(1)
				} else {
					size = q - 1
				}
			}
		})
		var t0, r0 int64
		for _, st := range e.AppendStates(nil) {
			t0 += st.Limit(engine.LimitTPM).Used
			r0 += st.Limit(engine.LimitRPM).Used
			requireWithin(t, st)
			// Even one token was refused in the end: some limit must be all used up.
			full := st.Limit(engine.LimitTPM).Used == st.Limit(engine.LimitTPM).Max || st.Limit(engine.LimitRPM).Used == st.Limit(engine.LimitRPM).Max || st.Limit(engine.LimitInFlight).Used == st.Limit(engine.LimitInFlight).Max ||
				st.Limit(engine.LimitTPD).Used == st.Limit(engine.LimitTPD).Max && st.Limit(engine.LimitTPD).Used > 0 || st.Limit(engine.LimitInputTPM).Used == st.Limit(engine.LimitInputTPM).Max && st.Limit(engine.LimitInputTPM).Used > 0 ||
				st.Limit(engine.LimitRPD).Used == st.Limit(engine.LimitRPD).Max && st.Limit(engine.LimitRPD).Used > 0
			require.True(t, full, "%+v", st)
		}
		require.Equal(t, [2]int64{tokens.Load(), requests.Load()}, [2]int64{t0, r0})
	})
}

// requireWithin fails when a deployment is beyond one of its limits.
func requireWithin(t *testing.T, st engine.State) {
	t.Helper()
	if over(st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitRPM).Max) || over(st.Limit(engine.LimitTPM).Used, st.Limit(engine.LimitTPM).Max) || over(st.Limit(engine.LimitInFlight).Used, st.Limit(engine.LimitInFlight).Max) ||
		over(st.Limit(engine.LimitInputTPM).Used, st.Limit(engine.LimitInputTPM).Max) || over(st.Limit(engine.LimitOutputTPM).Used, st.Limit(engine.LimitOutputTPM).Max) ||
		over(st.Limit(engine.LimitRPD).Used, st.Limit(engine.LimitRPD).Max) || over(st.Limit(engine.LimitTPD).Used, st.Limit(engine.LimitTPD).Max) {
		require.Fail(t, "beyond a limit", "%+v", st)
	}
}

// TestInFlightHoldsWhileLeasesComeAndGo: at no instant are more leases held than
// allowed, though every one of them is ended and replaced all the time.
func TestInFlightHoldsWhileLeasesComeAndGo(t *testing.T) {
	each(t, ranked, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		const limit = 3
		e := start(t, newVirtual(), s, same(n, "g", engine.Limits{MaxInFlight: limit}))
		g := group(t, e, "g")
		held := make(map[string]*atomic.Int64, n)
		for _, st := range e.AppendStates(nil) {
			held[st.ID] = new(atomic.Int64)
		}
		var over, admitted atomic.Int64
		par(workers, func(k int) {
			for i := range scale(3000) {
				l, ok := g.TryAcquire(plain(1))
				if !ok {
					continue
				}
				admitted.Add(1)
				h := held[l.Ref().ID()]
				if h.Add(1) > limit {
					over.Add(1)
				}
				h.Add(-1)
				if (i+k)%2 == 0 {
					l.Release()
				} else {
					l.Settle(engine.Usage{InputTokens: 2})
				}
			}
		})
		require.Zero(t, over.Load())
		require.NotZero(t, admitted.Load())
		for _, st := range e.AppendStates(nil) {
			require.Zero(t, st.Limit(engine.LimitInFlight).Used)
			require.Zero(t, st.Limit(engine.LimitTPM).Held)
		}
	})
}
