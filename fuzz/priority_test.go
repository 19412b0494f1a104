package fuzz

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestPriorityOneLeft: in each of many minutes a class has one request left of
// its share, two want it, and the rest of the limit would take both. One gets it.
func TestPriorityOneLeft(t *testing.T) {
	for name, limits := range map[string]engine.Limits{"rpm": {RPM: 2}, "tpm": {TPM: 2}, "input": {InputTPM: 2}, "all": {RPM: 3, TPM: 2, MaxInFlight: 2, InputTPM: 3}} {
		v := newVirtual()
		cfg := engine.Config{Deployments: same(1, "g", limits), PriorityShare: []float64{1, 0.5}, Clock: v.clock()}
		e, err := engine.New(cfg)
		require.NoError(t, err)
		g := group(t, e, "g")
		d := plain(1)
		d.Priority = 1
		minutes := int64(scale(30_000))
		// A request that meets a turn under way counts in the minute before: none is left there.
		before, ok := g.TryAcquire(d)
		require.True(t, ok)
		before.SettleReserved()
		var arrived, admitted atomic.Int64
		const contenders = 2 // more take turns on few cores, and never meet
		par(contenders, func(int) {
			for m := int64(1); m <= minutes; m++ {
				if arrived.Add(1) == m*contenders {
					v.ns.Store((epoch0 + m) * minute) // the last one opens the minute
				}
				for spins := 0; v.ns.Load() < (epoch0+m)*minute; spins++ {
					if spins > 1000 {
						runtime.Gosched()
					}
				}
				if l, ok := g.TryAcquire(d); ok {
					admitted.Add(1)
					l.SettleReserved()
				}
			}
		})
		require.Equal(t, minutes, admitted.Load(), name)
	}
}
