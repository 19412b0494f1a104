package window

import "time"

// Minute is the length of a window in nanoseconds.
const Minute = int64(time.Minute)

// EpochAt returns the epoch that holds an instant (Unix nanoseconds): the
// number of whole minutes since 1970-01-01 UTC, rounded down before it too.
func EpochAt(now int64) int64 { return floorDiv(now, Minute) }

// floorDiv returns a/b, rounded down. B is above 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Start returns the first instant of an epoch, in Unix nanoseconds.
func Start(epoch int64) int64 { return epoch * Minute }

// StartSeconds returns the first instant of an epoch in Unix seconds, as
// [Tally.Start] has it.
func StartSeconds(epoch int64) int64 { return epoch * 60 }

// EpochOf returns the epoch that begins at, or holds, a Unix second.
func EpochOf(seconds int64) int64 { return floorDiv(seconds, 60) }
