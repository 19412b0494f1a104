// Package window holds the arithmetic under the engine: minutes and their
// epochs, the counters of one deployment in one minute, the clock, and how long
// to wait for a window that has room.
//
// Time is an argument everywhere but in [Clock]: instants are int64 nanoseconds
// since the Unix epoch, an epoch is the index of a UTC minute since then.
//
// [Tally], [Report] and [Share] are what an engine and a syncer exchange.
package window
