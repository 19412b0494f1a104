package counter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		returned := map[int64]bool{} // slots of 2^31 ns, and of 2^35 ns as negative numbers
		for len(data) > 0 {
			switch n := int64(1 + 4*next(256)); next(7) {
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
				slot := c.at - start + int64(time.Minute)
				switch age := now - c.at; {
				case returned[slot>>31], age >= 15<<31 && returned[-slot>>35]:
					loose += back * int64(time.Minute) / limit
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
			case 6:
				if len(open) == 0 {
					continue
				}
				i := next(len(open))
				c := open[i]
				open = append(open[:i], open[i+1:]...)
				b.Return(now, c.n)
				exact.Return(now, c.n)
				slot := now - start + int64(time.Minute)
				returned[slot>>31], returned[-slot>>35] = true, true
				loose += 10
			}
		}
	})
}

// TestRefundAfterReturn: a charge that a Return has already given back is not given back
// again, and a Return from before a charge takes nothing from its refund.
func TestRefundAfterReturn(t *testing.T) {
	const start, second = int64(1_800_000_000) * int64(time.Second), int64(time.Second)
	b := counter.NewBucket(start, 1000, time.Minute)
	b.Add(start, 100) // refilled a minute later
	now := start + 60*second
	b.Add(now, 100)
	b.Return(now+second/10, 100)
	require.Zero(t, b.Used(now+second/10))
	b.Add(now+second/5, 900)
	b.Refund(now, now+second/4, 100, 100)
	require.GreaterOrEqual(t, b.Used(now+second/4), int64(899), "the level was zero since")

	b = counter.NewBucket(start, 1000, time.Minute)
	b.Add(start, 100)
	b.Return(start+second/10, 100)
	b.Add(start+second/5, 100)
	b.Refund(start+second/5, start+second/4, 100, 100)
	require.LessOrEqual(t, b.Used(start+second/4), int64(1))
}
