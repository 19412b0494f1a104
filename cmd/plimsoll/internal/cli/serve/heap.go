package serve

import (
	"os"
	"sync"
	"sync/atomic"
)

// spare holds memory that is never written to, and hence takes none: only its size counts.
// The collector starts when the heap has doubled since the last time; with a live heap of
// 3 MiB it would run tens of times a second under load, for a quarter of the CPU time.
var spare atomic.Pointer[[]byte]

// spareHeap is the size of spare in bytes: garbage is collected at about 30 MiB.
const spareHeap = 12 << 20

var spareOnce sync.Once

// keepHeap has the heap grow further before garbage is collected. Who sets GOGC decides
// for himself; GOMEMLIMIT holds in any case.
func keepHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	spareOnce.Do(func() {
		memory := make([]byte, spareHeap)
		spare.Store(&memory)
	})
}
