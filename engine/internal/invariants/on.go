//go:build invariants

package invariants

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// Enabled reports whether the build tag is set.
const Enabled = true

var hook atomic.Pointer[func()]

// Yield lets another goroutine run, at one call in two. While a hook is set it
// calls that instead.
func Yield() {
	if f := hook.Load(); f != nil {
		(*f)()
		return
	}
	if rand.Uint32()&1 == 0 {
		runtime.Gosched()
	}
}

// Hook makes Yield call f until the returned function is called, which puts the
// hook before it back.
func Hook(f func()) (remove func()) {
	before := hook.Swap(&f)
	return func() { hook.Store(before) }
}

// Look is Yield between two looks of a search, of which there are many: it calls the
// hook, and does nothing while none is set.
func Look() {
	if f := hook.Load(); f != nil {
		(*f)()
	}
}

// Check panics unless an invariant holds, which it names by its protocol.
func Check(holds func() bool, invariant string) {
	if !holds() {
		panic("invariant violated: " + invariant)
	}
}
