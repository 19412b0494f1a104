//go:build !invariants

package invariants

// Enabled reports whether the build tag is set.
const Enabled = false

// Yield does nothing in this build, and costs nothing.
func Yield() {}

// Look does nothing in this build, and costs nothing.
func Look() {}

// Check does nothing in this build, and costs nothing.
func Check(func() bool, string) {}
