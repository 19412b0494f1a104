// Package bench measures the hot path: floors (what the machine can do at
// best), the engine's operations, and the ratios between them. Ratios survive a
// change of machine, nanoseconds do not.
//
// [Plan] is the table of ratios with their goals; package bench/peers, a module
// of its own, adds other libraries to it and prints it. The benchmarks of this
// package time the same operations with go test.
package bench
