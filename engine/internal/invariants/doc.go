// Package invariants marks the points between two steps of a lock-free protocol, and states
// what holds at them.
//
// With the build tag `invariants` a marked point may hand the processor to another
// goroutine, so that a test meets interleavings of a few nanoseconds on any
// machine, and Check panics if what it states does not hold. Without the tag the calls compile
// to nothing.
package invariants
