package window_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func TestMeterCountsInItsWindow(t *testing.T) {
	m := window.NewMeter(7, 10)
	require.True(t, m.In(7))
	require.Equal(t, window.Taken, m.Take(7, 10), "exactly the limit")
	require.Equal(t, window.Refused, m.Take(7, 1))
	require.Equal(t, window.Sealed, m.Take(8, 1), "not begun")
	require.Equal(t, window.Sealed, m.Take(6, 1), "over")
	require.True(t, m.Add(7, 5), "what has happened is counted")
	require.EqualValues(t, -5, m.Room())
	require.True(t, m.Add(6, 3), "the previous window")
	require.EqualValues(t, 3, m.Before())
	require.False(t, m.Add(5, 3), "too old")
	require.False(t, m.Add(8, 3), "not begun")
	require.EqualValues(t, 15, m.Used())

	m.Roll(8, 2, 20)
	require.EqualValues(t, 2, m.Used())
	require.EqualValues(t, 15, m.Before())
	require.True(t, m.Add(7, -5))
	require.EqualValues(t, 10, m.Before())
	m.Roll(8, 9, 1)
	require.EqualValues(t, 2, m.Used(), "rolled already")
	require.EqualValues(t, 20, m.Cap())

	m.Roll(11, 0, 20)
	require.Zero(t, m.Before(), "windows were skipped")
	require.False(t, m.Add(8, 1))
	require.True(t, m.Add(10, 1))
	m.Shift(4, 6)
	require.EqualValues(t, 2, m.Room())
	m.AddNow(-100)
	require.Zero(t, m.Used())
	m.AddNow(window.Max)
	m.AddNow(1 << 42)
	require.Equal(t, window.Max, m.Used())
}

// TestMeterFollowsTheClock: who takes brings the meter to its window, never back.
func TestMeterFollowsTheClock(t *testing.T) {
	m := window.NewMeter(7, 10)
	require.Equal(t, window.Taken, m.TakeAt(0, 7, 10), "exactly the limit")
	require.Equal(t, window.Refused, m.TakeAt(0, 7, 1))
	require.Equal(t, window.Refused, m.TakeAt(0, 8, 11), "too much for an empty one")
	require.EqualValues(t, 10, m.UsedAt(7), "what is refused moves nothing")
	used, short := m.LookAt(8, 10)
	require.Zero(t, used)
	require.GreaterOrEqual(t, short, int64(0))
	_, short = m.LookAt(8, 11)
	require.Negative(t, short)
	half := window.PartOf(0.5)
	require.Equal(t, window.Refused, m.TakeAt(half, 9, 6))
	require.Equal(t, window.Taken, m.TakeAt(half, 9, 5))
	require.Equal(t, window.Sealed, m.TakeAt(0, 8, 1), "over")
	require.Equal(t, [4]int64{0, 0, 1, 3}, [4]int64{m.Ahead(10), m.Ahead(9), m.Ahead(8), m.Ahead(6)})
	m.TakeBack(8, 5)
	require.EqualValues(t, 5, m.Used())
	m.TakeBack(9, 5)
	require.Zero(t, m.Used())
}

// TestMeterAfterAnyPause: what was counted before a pause is not found in a later
// window, however long the pause, also where the 11 bits of a word come round.
func TestMeterAfterAnyPause(t *testing.T) {
	for _, idle := range []int64{2, 1000, 1023, 1024, 1025, 1900, 1948, 2047, 2048, 2049, 3000, 4096, 1 << 20, 1<<21 + 1} {
		const then = 100_000
		filled := func() *window.Meter {
			m := window.NewMeter(then, 10)
			require.Equal(t, window.Taken, m.TakeAt(0, then, 10))
			return m
		}
		now := then + idle
		m := filled()
		require.Zero(t, m.UsedAt(now), "idle for %d", idle)
		require.Zero(t, m.Ahead(now))
		require.False(t, m.In(now))
		_, short := m.LookAt(now, 10)
		require.Zero(t, short)
		require.Equal(t, window.Taken, m.TakeAt(0, now, 10), "idle for %d", idle)
		require.Equal(t, window.Refused, m.TakeAt(0, now, 1))
		require.EqualValues(t, 10, m.UsedAt(now))
		require.Equal(t, window.Sealed, m.TakeAt(0, now-1, 1))
		require.True(t, m.In(now))

		m = filled()
		m.Follow(now)
		m.AddNow(3)
		require.EqualValues(t, 3, m.UsedAt(now), "idle for %d", idle)

		m = filled()
		m.Roll(now, 0, 10)
		require.Zero(t, m.Used(), "idle for %d", idle)
		require.Zero(t, m.Before())
		require.Equal(t, window.Taken, m.Take(now, 10))
	}
}

// TestMeterLosesNothingAfterAPause: of goroutines that meet a window together
// after a long pause each has its count kept.
func TestMeterLosesNothingAfterAPause(t *testing.T) {
	const rounds, callers = 2000, 4
	m := window.NewMeter(0, window.Max)
	for round := range int64(rounds) {
		w := (round + 1) * 2048
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if m.TakeAt(0, w, 1) != window.Taken {
					panic("refused without a limit")
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, callers, m.UsedAt(w), "round %d", round)
	}
}

// TestMeterRollLosesNothing: writers add to the window they have seen while it
// rolls over again and again. What each window held when it was rolled out of
// the previous place is all that was counted.
func TestMeterRollLosesNothing(t *testing.T) {
	const rolls, writers = 3000, 4
	m := window.NewMeter(0, window.Max)
	var now, counted atomic.Int64
	var seen [writers]atomic.Int64 // the window of the add under way
	var wg sync.WaitGroup
	for k := range writers {
		wg.Go(func() {
			for {
				w := now.Load()
				seen[k].Store(w)
				if now.Load() != w {
					continue // it rolled before anybody could know
				}
				if w == rolls {
					return
				}
				if !m.Add(w, 1) {
					t.Errorf("window %d was gone too early", w)
				}
				counted.Add(1)
				runtime.Gosched()
			}
		})
	}
	var sum int64
	for w := int64(1); w <= rolls; w++ {
		m.Roll(w, 0, window.Max)
		now.Store(w)
		for k := range seen { // nobody adds to the previous window any more
			for seen[k].Load() != w {
				runtime.Gosched()
			}
		}
		sum += m.Before()
	}
	wg.Wait()
	require.Equal(t, counted.Load(), sum)
	require.NotZero(t, sum)
}

// FuzzMeter compares a meter with a map.
func FuzzMeter(f *testing.F) {
	f.Add([]byte{0, 10, 1, 3, 2, 5, 3, 9, 4, 0})
	f.Add([]byte{3, 1, 0, 200, 1, 200, 3, 3, 1, 1, 4, 4, 0, 7})
	f.Fuzz(func(t *testing.T, ops []byte) {
		now, limit := int64(0), int64(500)
		used := map[int64]int64{}
		m := window.NewMeter(now, limit)
		for ; len(ops) > 1; ops = ops[2:] {
			n := int64(ops[1])
			switch ops[0] % 5 {
			case 0:
				fits := used[now]+n <= limit
				if (m.Take(now, n) == window.Taken) != fits {
					t.Fatalf("%d of %d used: %d fit: %v", used[now], limit, n, !fits)
				}
				if fits {
					used[now] += n
				}
			case 1, 2:
				w := now - n%3
				if ops[0]%5 == 2 {
					n = -n
				}
				if m.Add(w, n) != (w >= now-1) {
					t.Fatalf("window %d at %d", w, now)
				}
				if w >= now-1 {
					used[w] = max(used[w]+n, 0)
				}
			case 3:
				was := now
				now += n % 4
				limit = 10 * n
				if !m.In(now) {
					want := [2]int64{used[was-1], 0}
					if now != was+1 {
						want[1] = used[was]
					}
					if before, skipped := m.Roll(now, n, limit); [2]int64{before, skipped} != want {
						t.Fatalf("left behind %d and %d, want %v", before, skipped, want)
					}
					used[now] = n
				}
				limit = m.Cap()
			case 4:
				limit = 4 * n
				m.Shift(n, limit)
				used[now] += n
			}
			if m.Used() != used[now] || m.Before() != used[now-1] || m.Room() != limit-used[now] {
				t.Fatalf("holds %d and %d before, want %d and %d", m.Used(), m.Before(), used[now], used[now-1])
			}
			for w := now - 2; w <= now+1; w++ {
				kept := w == now || w == now-1
				if got, ok := m.UsedIn(w); ok != kept || kept && got != used[w] {
					t.Fatalf("used in window %d, now %d: %d (%v), want %d (%v)", w, now, got, ok, used[w], kept)
				}
			}
		}
	})
}

// TestAMeterNobodyHasLookedAt: windows of a second that began half an hour ago are
// over, and a clock that was set back within its minute reopens none.
func TestAMeterNobodyHasLookedAt(t *testing.T) {
	for _, idle := range []int64{1, 60, 1023, 1024, 1500, 1900} {
		m := window.NewMeter(100, 5)
		m.AddNow(5)
		if used := m.UsedAt(100 + idle); used != 0 {
			t.Errorf("after %d windows %d are used", idle, used)
		}
		m.Follow(100 + idle)
		if !m.In(100+idle) || m.Used() != 0 {
			t.Errorf("after %d windows it does not follow", idle)
		}
		for _, back := range []int64{1, 60} {
			m.Follow(100 + idle - back)
			if !m.In(100 + idle) {
				t.Errorf("%d windows back it goes back", back)
			}
		}
	}
}
