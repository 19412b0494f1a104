package counter_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// FuzzLimit compares limits in windows of every rule with a count by window.
func FuzzLimit(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(noise(seed, 400))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		r := of(&s,
			counter.Rule{Shape: counter.Minutes}, counter.Rule{Shape: counter.Hours}, counter.Rule{Shape: counter.Days},
			counter.Rule{Shape: counter.Days, Zone: window.Pacific}, counter.Rule{Shape: counter.Dates},
			counter.Rule{Shape: counter.Spans, Length: int64(10 * time.Second), Phase: int64(3 * time.Second)},
			counter.Rule{Shape: counter.Spans, Length: minute, Phase: int64(25 * time.Second)},
		)
		most := of[int64](&s, 5, 100, 1000)
		at := counter.At{Epoch: epoch0, Now: epoch0 * minute}
		l := counter.NewLimit(r, counter.Tokens, most, at)
		counted := map[int64]int64{}
		was := at
		for s.more() {
			w := l.Window(at)
			n := int64(s.byte()) % (most/2 + 1)
			switch s.int(6) {
			case 0, 1:
				fits := counted[w]+n <= most
				require.Equal(t, fits, l.Fits(0, at, n))
				require.Equal(t, fits, l.Take(0, at, n) == counter.Taken)
				if fits {
					counted[w] += n
					was = at
				}
			case 2:
				require.True(t, l.Count(at, n))
				counted[w] += n
			case 3: // replaces what was taken last by something else
				n -= most / 4
				old := l.Window(was)
				l.Adjust(was, at, n, 0)
				switch {
				case old >= w-1:
					counted[old] = max(counted[old]+n, 0)
				case n > 0:
					counted[w] += n
				}
			case 4, 5:
				step := of(&s, time.Second, 9*time.Second, time.Minute, time.Minute, 3*time.Minute, time.Hour, 23*time.Hour, 50*time.Hour)
				at.Now += int64(step)
				at.Epoch = window.EpochAt(at.Now)
				l.Turn(at, func(s *counter.Ledger, own int64) {
					require.Equal(t, counted[s.Window], own, "of window %d", s.Window-w)
				})
			}
			require.Equal(t, counted[l.Window(at)], l.Used(at))
			if l.Owned() {
				used, short := l.LookOwned(at.Epoch, most)
				require.Equal(t, counted[l.Window(at)], used)
				require.Equal(t, used > 0, short < 0)
			} else {
				used, _ := l.LookTimed(at.Now, most)
				require.Equal(t, counted[l.Window(at)], used)
				if l.Shape == counter.Level {
					require.Equal(t, used, l.Level(at.Now))
				}
			}
		}
	})
}

// TestSpanIsADivision about the ends of windows, which the product by an inverse may miss.
func TestSpanIsADivision(t *testing.T) {
	for _, length := range []time.Duration{1, 3, time.Millisecond, 7 * time.Second, 10 * time.Second, time.Minute, time.Hour + 1} {
		n := int64(length)
		l := counter.NewLimit(counter.Rule{Shape: counter.Spans, Length: n, Phase: n / 2}, counter.Requests, 1, counter.At{Now: n})
		for w := int64(1); w < math.MaxInt64/n/3; w = w*3 + 1 {
			for _, by := range []int64{-1, 0, 1} {
				now := w*n + n/2 + by
				require.Equal(t, (now-n/2)/n, l.Window(counter.At{Now: now}), "of %v, %d", length, now)
			}
		}
	}
}

// TestUsedClocked: a limit ranks by what is used of it, in every window about the numbers at which tags
// repeat, after windows in which nothing was counted and with a clock that was set back.
func TestUsedClocked(t *testing.T) {
	const length = int64(time.Second)
	sure := 0
	for _, phase := range []int64{0, length / 3} {
		for first := int64(1)<<20 - 4; first < 1<<20+4; first++ {
			at := func(w int64) counter.At { return counter.At{Now: (first+w)*length + phase} }
			for counts := range 64 { // by bits: in which windows something is counted
				l := counter.NewLimit(counter.Rule{Shape: counter.Spans, Length: length, Phase: phase}, counter.Requests, 100, at(0))
				for w := range int64(6) {
					if counts>>w&1 != 0 {
						require.Equal(t, counter.Taken, l.Take(0, at(w), 1+w))
					}
					for seen := range int64(8) {
						used, current := l.UsedClocked(l.Window(at(seen)))
						if !current {
							continue
						}
						sure++
						require.Equal(t, l.Used(at(seen)), used, "phase %d, first %d, counts %b to %d, in %d", phase, first, counts, w, seen)
					}
				}
			}
		}
	}
	require.Greater(t, sure, 1000)
}

// TestClockedLimitsGoOn: a clock that was set back counts in the window that was got to.
func TestClockedLimitsGoOn(t *testing.T) {
	r := counter.Rule{Shape: counter.Spans, Length: int64(10 * time.Second)}
	at := func(s int) counter.At { return counter.At{Epoch: epoch0, Now: epoch0*minute + int64(s)*1e9} }
	l := counter.NewLimit(r, counter.Requests, 2, at(0))
	require.Equal(t, counter.Taken, l.Take(0, at(12), 1))
	require.Equal(t, counter.Moved, l.Take(0, at(5), 1))
	require.EqualValues(t, 1, l.Used(at(5)))
	later := l.NotBefore(at(5))
	require.Equal(t, at(10), later)
	require.Equal(t, counter.Taken, l.Take(0, later, 1))
	require.False(t, l.Fits(0, at(5), 1))
	l.Give(later, 1)
	require.EqualValues(t, 1, l.Used(at(12)))
}

// TestIdleClockedLimits: counters of windows long ago do not come back where windows
// have turned with an owner's minutes since.
func TestIdleClockedLimits(t *testing.T) {
	r := counter.Rule{Shape: counter.Spans, Length: int64(time.Second)}
	at := func(s int64) counter.At {
		return counter.At{Epoch: epoch0 + s/60, Now: epoch0*minute + s*1e9}
	}
	l := counter.NewLimit(r, counter.Requests, 2, at(0))
	require.Equal(t, counter.Taken, l.Take(0, at(0), 2))
	for s := int64(0); s < 1<<20; s += 60 * 60 * 24 {
		l.Turn(at(s), nil)
	}
	require.Zero(t, l.Used(at(1<<20)))
	require.Equal(t, counter.Taken, l.Take(0, at(1<<20), 2))
}

// TestLedger: a count is own, remote and adjustment; a cap is the limit, and the
// ceiling beyond what is not own.
func TestLedger(t *testing.T) {
	s := counter.NewLedger(7)
	require.EqualValues(t, 100, s.Cap(100, 0))
	require.EqualValues(t, 40, s.Set(counter.Received{Others: 40, Ceiling: 10}))
	require.EqualValues(t, 50, s.Cap(100, 0))
	require.EqualValues(t, 55, s.Cap(100, 5))
	require.EqualValues(t, 12, s.Own(57, 5))
	require.Zero(t, s.Own(30, 5))
	require.Zero(t, s.Set(counter.Received{Others: -1, Ceiling: counter.Max}), "unknown: the former stays")
	require.EqualValues(t, 40, s.Remote)
	require.EqualValues(t, -10, s.Set(counter.Received{Others: 30}))
	require.EqualValues(t, 35, s.Cap(100, 5))
}

// TestShutOfADay: the current day is closed only if nothing of its own is counted in it
// and nothing was reported, the day before once all of its own was reported, or at any
// time if usage is not collected.
func TestShutOfADay(t *testing.T) {
	at := counter.At{Epoch: epoch0, Now: epoch0 * minute}
	l := counter.NewLimit(counter.Rule{Shape: counter.Days}, counter.Requests, 100, at)
	today := l.Window(at)
	require.True(t, l.Count(at, 7))
	require.False(t, l.Shut(true))
	require.False(t, l.Shut(false))
	l.Ledger(today).Reported = 7
	require.False(t, l.Shut(true), "a limit that begins again would report less")
	require.True(t, l.Count(at, 1), "it is open again")

	at.Epoch, at.Now = at.Epoch+24*60, at.Now+24*60*minute
	l.Turn(at, nil)
	require.False(t, l.Shut(true), "one of yesterday's was not reported")
	require.True(t, l.CountIn(today, 1), "yesterday is open again")
	l.Ledger(today).Reported = 9
	require.True(t, l.Shut(true))
	require.False(t, l.CountIn(today, 1))
	require.False(t, l.Count(at, 1))
	l.Reopen()
	require.True(t, l.Count(at, 1))
	require.False(t, l.Shut(false), "something is counted today")
}
