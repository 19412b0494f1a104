package bench

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// cell is a counter with a limit and a window of its own. It has a cache line to itself.
type cell struct {
	used         atomic.Int64
	inverse, per uint64 // of the limit, and of the window's length
	phase        int64  // ns
	_            [32]byte
}

// leastBeside is the least that an admission and a settlement can cost in a group of size
// deployments, each of which has so many counters beside its pair: the same of plain
// deployments, a read and a comparison of every further counter, and a locked update of each
// that the chosen deployment has. If apart is set, every counter's window is found by
// a multiplication, and every deployment is weighed by what is left of it, which divides.
func leastBeside(size, counters int, apart bool) measure.Case {
	name := fmt.Sprintf("plain TryAcquire + Settle %d and the least of %d counters beside", size, counters)
	if apart {
		name += ", windows apart"
	}
	return measure.Case{Name: name, Setup: func() measure.Op {
		settle := tied.settle(tied.pool(even, size).group)
		cells := make([]*cell, size*counters)
		for i := range cells {
			cells[i] = &cell{inverse: 1 << 22, per: 1<<63/uint64(time.Minute)*2 + 1, phase: int64(i)}
		}
		now := time.Now().UnixNano()
		return func(_, n int) {
			var last uint64
			for range n {
				settle(1)
				last = leastOf(cells, size, now+int64(last&1), apart)
				for k := range counters {
					used := &cells[k*size+int(last)%size].used
					used.CompareAndSwap(used.Load(), used.Load()+1)
				}
			}
			sink.Store(int64(last))
		}
	}}
}

// leastOf returns the index of the deployment whose fullest counter is the least full.
func leastOf(cells []*cell, size int, now int64, apart bool) uint64 {
	least := uint64(1<<64 - 1)
	for i := range size {
		var most uint64
		for k := i; k < len(cells); k += size {
			c := cells[k]
			ratio, _ := bits.Mul64(uint64(c.used.Load()), c.inverse<<20)
			if apart {
				w, _ := bits.Mul64(uint64(now-c.phase), c.per)
				ratio += w & 1
			}
			most = max(most, ratio)
		}
		if apart {
			left := float64(now&(1<<30-1) + 1)
			most = uint64(left / (left + float64(1<<30-most)) * (1 << 30))
		}
		least = min(least, most<<8|uint64(i))
	}
	return least & 255
}
