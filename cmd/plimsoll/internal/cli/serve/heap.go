package serve

import (
	"os"
	"sync"
	"sync/atomic"
)

// spare enlarges the heap by memory that is never written to and so takes no physical memory.
// The garbage collector starts when the heap has doubled since its last run. With a live heap
// of 3 MiB it would run tens of times a second under load and take a quarter of the CPU time.
var spare atomic.Pointer[[]byte]

// spareHeap is the size of spare in bytes: garbage is collected at about 30 MiB.
const spareHeap = 12 << 20

var spareOnce sync.Once

// keepHeap lets the heap grow further before garbage is collected, unless GOGC is set.
// GOMEMLIMIT applies in any case.
func keepHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	spareOnce.Do(func() {
		memory := make([]byte, spareHeap)
		spare.Store(&memory)
	})
}
