package counter_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// FuzzBucket compares a bucket with exact arithmetic: it never admits what the
// rule refuses, and refuses what the rule admits only for a few nanoseconds'
// worth of rounding.
func FuzzBucket(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(noise(seed, 120))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		limit := of[int64](&s, 1, 3, 60, 1000, 49_999, 200_000, 7_000_000, 1<<42)
		period := of(&s, time.Minute, time.Minute, 24*time.Hour)
		now := epoch0 * minute
		exact := rule.Bucket{Limit: limit, Period: int64(period)}
		b := counter.NewBucket(now, limit, period)
		amount := func() int64 { return max(limit*int64(s.byte())/(1+int64(s.byte())), 1) }
		var steps int64
		for s.more() {
			steps++
			switch s.int(5) {
			case 0, 1:
				n := amount()
				wait, never := exact.Wait(now, n)
				if b.Take(0, now, n) {
					if !exact.Take(now, n) {
						t.Fatalf("%d of %d admitted, which fit in %d ns only", n, limit, wait)
					}
				} else if ours := b.Wait(0, now, n); !never && (int64(ours) < wait || int64(ours) > wait+1+steps) || never != (ours == 1<<63-1) {
					t.Fatalf("%d of %d refused for %d ns, want %d (never %v)", n, limit, ours, wait, never)
				}
			case 2:
				n := amount()
				b.Add(now, n)
				exact.Add(now, n)
			case 3:
				n := min(b.Used(now)/2, amount())
				b.Add(now, -n)
				exact.Add(now, -n)
			case 4:
				now += int64(s.byte()) * int64(s.byte()) * int64(s.byte()) * (int64(period) >> 25)
			}
		}
	})
}

// The waits that providers have printed.
func TestBucketWaitsAsObserved(t *testing.T) {
	now := epoch0 * minute
	for _, c := range []struct {
		name                   string
		limit, used, requested int64
		period, want           time.Duration
	}{
		{"gpt-4o-mini, 50000 a minute", 50000, 47949, 3006, time.Minute, 1146 * time.Millisecond},
		{"gpt-4o-mini, 200000 a minute", 200000, 195869, 4412, time.Minute, 84 * time.Millisecond},
		{"gpt-5.1, 30000 a minute", 30000, 22999, 12528, time.Minute, 11054 * time.Millisecond},
		{"llama3-70b on Groq, in debt", 5000, 5747, 4251, time.Minute, 59977 * time.Millisecond},
		{"Groq, tokens until full", 8000, 8000 - 7927, 8000, time.Minute, 547 * time.Millisecond},
		{"Groq, requests of a day until full", 1000, 1000 - 998, 1000, 24 * time.Hour, 172800 * time.Millisecond},
		{"three requests a minute, the fourth", 3, 3, 1, time.Minute, 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := counter.NewBucket(now, c.limit, c.period)
			b.Add(now, c.used)
			require.Equal(t, c.used, b.Used(now))
			wait := b.Wait(0, now, c.requested)
			require.InDelta(t, c.want, wait, float64(time.Millisecond))
			require.False(t, b.Take(0, now+int64(wait)-1, c.requested))
			require.True(t, b.Take(0, now+int64(wait), c.requested))
		})
	}
}

// TestBucketAdmitsExactlyTheLimit: at one instant 64 goroutines get the limit,
// and after a while what has been refilled.
func TestBucketAdmitsExactlyTheLimit(t *testing.T) {
	const limit = 6000 // one a 10 ms
	b := counter.NewBucket(0, limit, time.Minute)
	for _, c := range []struct {
		at   time.Duration
		want int64
	}{{0, limit}, {time.Second, 100}, {time.Second + 15*time.Millisecond, 1}, {10 * time.Minute, limit}} {
		var admitted atomic.Int64
		par(64, func(k int) {
			random := rand.New(rand.NewPCG(uint64(k), 3))
			for size := int64(10); size > 0; {
				if n := 1 + random.Int64N(size); b.Take(0, int64(c.at), n) {
					admitted.Add(n)
				} else {
					size = n - 1
				}
			}
		})
		require.Equal(t, c.want, admitted.Load(), "%v", c.at)
	}
}

// Usage is kept to a fraction of a request when the limit changes, so that a limit that changes
// often does not keep the bucket full.
func TestResizedBucketRefills(t *testing.T) {
	now := epoch0 * minute
	b := counter.NewBucket(now, 60, time.Minute)
	require.True(t, b.Take(0, now, 60))
	for k := range int64(600) { // 600 changes in a minute, between 60 and 59
		now += minute / 600
		b.Resize(now, 59+k&1)
	}
	require.EqualValues(t, 1, b.Used(now), "half a request, rounded up")
}

// TestBucketOverYears turns a bucket once a minute's use, at instants years apart: its level stays
// while the base moves (at the second step after a quarter of a minute), and refills as before.
func TestBucketOverYears(t *testing.T) {
	const year, second = 365 * 24 * int64(time.Hour), int64(time.Second)
	for _, step := range []int64{year / 7, 1<<57 - 75*second, 4 * year, 60 * year} {
		l := counter.NewLimit(counter.Rule{Shape: counter.Level}, counter.Tokens, 6000, counter.At{Now: epoch0 * minute})
		for now, k := epoch0*minute, 0; k < 100; k++ {
			if now += step; now > 1<<62 {
				break
			}
			at := func(n int64) counter.At { return counter.At{Now: now + n*second} }
			l.Turn(at(0), nil)
			require.Equal(t, counter.Taken, l.Take(0, at(0), 4500))
			for n := range int64(30) {
				l.Turn(at(n), nil)
				require.Equal(t, 4500-100*n, l.Used(at(n)))
			}
			require.Equal(t, counter.Refused, l.Take(0, at(30), 4501))
			require.Equal(t, counter.Taken, l.Take(0, at(30), 4500))
			now += 30 * second
		}
	}
}

// TestRefundAfterResize: how much of a charge may be given back does not depend on the limit, as
// the lowest levels since the charge change with it.
func TestRefundAfterResize(t *testing.T) {
	const now = epoch0 * minute
	for _, limit := range []int64{100, 1000, 10} {
		b := counter.NewBucket(now, 100, time.Minute)
		b.Add(now, 50)
		later := now + int64(15*time.Second)
		b.Add(later, 10) // at a level of 25
		b.Resize(later, limit)
		b.Refund(now, later, 50, 50)
		require.InDelta(t, 10, b.Used(later), 1, "a limit of %d: 25 of the 50 have refilled", limit)
	}
}

// TestReturnsAreRoundedDown: what is given back in parts is never more than was charged.
func TestReturnsAreRoundedDown(t *testing.T) {
	const now, limit = epoch0 * minute, 11
	for _, give := range []func(b *counter.Bucket){
		func(b *counter.Bucket) { b.Return(now, 1) },
		func(b *counter.Bucket) { b.Refund(now, now, 1, 10) },
	} {
		b := counter.NewBucket(now, limit, time.Minute)
		b.Add(now, 1)
		b.Add(now, 10)
		for range 10 {
			give(b)
		}
		require.GreaterOrEqual(t, b.Level(now), b.Whole()/limit, "one is left")
	}
}
