package bench

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// work spins for n steps of about a nanosecond, touching no memory.
func work(n int) int64 {
	x := uint64(n) | 1
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return int64(x)
}

// microsecond returns how many steps of work take about one.
func microsecond() int {
	const steps = 100_000
	best := time.Hour
	for range 20 {
		begun := time.Now()
		sink.Store(work(steps))
		best = min(best, time.Since(begun))
	}
	return int(steps * time.Microsecond / best)
}

// busyAcquire is a minimal gateway: a microsecond of work, then TryAcquire and
// Settle.
func busyAcquire(size, threads int) measure.Case {
	name := fmt.Sprintf("1 us of work + TryAcquire + Settle %d%s", size, onThreads(threads))
	return measure.Case{Name: name, Threads: threads, Setup: func() measure.Op {
		steps := microsecond()
		settle := tied.settle(tied.pool(lowest, size).group)
		return func(_, n int) {
			var sum int64
			for range n {
				sum += work(steps)
				settle(1)
			}
			sink.Add(sum)
		}
	}}
}
