//go:build invariants

package invariants

import (
	"math/rand/v2"
	"runtime"
)

// Enabled reports whether the build tag is set.
const Enabled = true

// Yield lets another goroutine run, at one call in two.
func Yield() {
	if rand.Uint32()&1 == 0 {
		runtime.Gosched()
	}
}
