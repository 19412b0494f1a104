// Package window holds what an engine and a syncer share: minutes, hours and
// days, the clock and its timers, and the tallies, reports, shares and wants that nodes exchange.
//
// Time is an argument everywhere except in [Clock]: instants are int64 nanoseconds
// since the Unix epoch, an epoch is the index of a UTC minute since then.
package window
