package counter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// FuzzFlight compares leases in flight with a list of them, over turns of any length.
func FuzzFlight(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(noise(seed, 300))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		ttl := of[int64](&s, 1, 2, 5, 15)
		now := epoch0
		var flight counter.Flight
		flight.Reset(now, ttl)
		began := map[int64]int64{} // in slots that are not folded: the current one
		held := map[int64]int64{}
		for s.more() {
			switch s.int(4) {
			case 0, 1:
				began[now]++
				held[now]++
			case 2:
				slot := now - int64(s.int(20))
				want := held[slot] > 0 && now-slot <= ttl
				if held[slot] == 0 {
					continue
				}
				_, ok := flight.End(slot)
				require.Equal(t, want, ok, "a lease of %d slots ago", now-slot)
				if ok {
					held[slot]--
				}
			case 3:
				to := now + int64(s.int(20))
				if to == now {
					continue
				}
				flight.Fold(now, began[now])
				delete(began, now)
				var want int64
				for slot, n := range held {
					if now-slot <= ttl && to-slot > ttl {
						want += n
					}
				}
				require.Equal(t, want, flight.Turn(now, to, ttl), "expired from %d to %d", now-epoch0, to-epoch0)
				now = to
			}
			var want, got int64
			for k := now - ttl; k <= now; k++ {
				want += held[k]
				got += flight.Held(k, func(k int64) int64 { return began[k] })
			}
			require.Equal(t, want, got)
		}
	})
}

// TestFlightCount: leases that a later gauge has counted say so when they end.
func TestFlightCount(t *testing.T) {
	var f counter.Flight
	f.Reset(100, 15)
	f.Fold(100, 3)
	at, ok := f.End(100)
	require.True(t, ok)
	require.False(t, at.Counted())
	require.EqualValues(t, 2, f.Count(100, 0))
	at, ok = f.End(100)
	require.True(t, ok)
	require.True(t, at.Counted())
	require.EqualValues(t, 1, f.Held(100, func(int64) int64 { return 0 }))
}

// TestHeldCountsAgain: a lease begins and ends while the leases held are counted. It is counted
// neither as held nor as one that has ended alone.
func TestHeldCountsAgain(t *testing.T) {
	var f counter.Flight
	f.Reset(100, 15)
	begun := int64(1) // is held all the time
	for range 3 {
		meanwhile := 2
		held := f.Held(100, func(int64) int64 {
			if meanwhile--; meanwhile >= 0 {
				begun++
				_, ok := f.End(100)
				require.True(t, ok)
			}
			return begun
		})
		require.EqualValues(t, 1, held)
	}
}
