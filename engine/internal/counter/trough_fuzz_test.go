package counter_test

import (
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// FuzzRefund holds a bucket that gives back against one that remembers every charge:
// it never admits what that one refuses, and within half a minute it is behind by no
// more than the 2 s of refill that each refund may lose.
func FuzzRefund(f *testing.F) {
	for seed := range uint32(16) {
		data := make([]byte, 300)
		x := seed*2654435761 + 1
		for i := range data {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			data[i] = byte(x)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 400)] // the exact one replays all charges at each step
		const limit, start = 1000, int64(1_800_000_000) * int64(time.Second)
		next := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b) % n
		}
		type charge struct{ at, n int64 }
		b, exact := counter.NewBucket(start, limit, time.Minute), rule.Ledger{Limit: limit}
		now, loose := start, int64(100)
		var open []charge
		for len(data) > 0 {
			switch n := int64(1 + 4*next(256)); next(6) {
			case 0, 1:
				if wait, never := exact.Wait(now, n); b.Take(0, now, n) {
					if wait != 0 || never {
						t.Fatalf("%d taken, which fit in %v only", n, time.Duration(wait))
					}
					exact.Add(now, n)
					open = append(open, charge{now, n})
				} else if got := int64(b.Wait(0, now, n)); !never && (got < wait || got > wait+loose) {
					t.Fatalf("%d refused for %v, want %v", n, time.Duration(got), time.Duration(wait))
				}
			case 2:
				b.Add(now, n)
				exact.Add(now, n)
				open = append(open, charge{now, n})
			case 3, 4:
				if len(open) == 0 {
					continue
				}
				i := next(len(open))
				c := open[i]
				open = append(open[:i], open[i+1:]...)
				back := min(n, c.n)
				b.Refund(c.at, now, back, c.n)
				exact.Add(c.at, -back)
				switch age := now - c.at; {
				case age == 0:
					loose += 10
				case age < 15<<31:
					loose += 1 << 31
				case age < 15<<35:
					loose += 1 << 35
				default:
					loose += back * int64(time.Minute) / limit
				}
			case 5:
				now += int64(next(256)) * int64(next(256)) * int64(time.Millisecond)
			}
		}
	})
}
