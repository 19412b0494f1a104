//go:build invariants

package fuzz

// yielding says that attempts stay half way for as long as other goroutines like: a
// search may then give up looking for a moment at which none is.
const yielding = true
