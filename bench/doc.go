// Package bench measures the hot path: floors, which are the least that the machine
// needs, the engine's operations, and the ratios between them. Ratios are comparable
// between machines, nanoseconds are not.
//
// [Plan] is the table of ratios with their goals; package bench/peers, a module
// of its own, adds other libraries to it and prints it. The benchmarks of this
// package time the same operations with go test.
package bench
