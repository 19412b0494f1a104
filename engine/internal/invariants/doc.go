// Package invariants marks the points between two steps of a lock-free protocol.
//
// With the build tag `invariants` a marked point may hand the processor to another
// goroutine, so that a test meets interleavings of a few nanoseconds on any
// machine. Without the tag the calls compile to nothing.
package invariants
