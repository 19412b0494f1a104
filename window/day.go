package window

import (
	"sync/atomic"
	"time"
	_ "time/tzdata" // midnight Pacific must not depend on the host's files
)

// Zone says when a day begins. The zero value is UTC.
type Zone uint8

const (
	UTC     Zone = iota // midnight UTC
	Pacific             // midnight in Los Angeles, daylight saving time observed
)

var pacific = func() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic("window: embedded time zone data: " + err.Error())
	}
	return l
}()

// Day is a window of one calendar day: of 23 or 25 hours where the clocks
// change.
type Day struct {
	Index      int64 // days since 1970-01-01, by the zone's calendar
	Start, End int64 // Unix nanoseconds; the first instant, and the next day's
}

// DayIndex returns the [Day.Index] of the day that holds an epoch.
func DayIndex(epoch int64, z Zone) int64 {
	if z == Pacific {
		if k := latest.Load(); k != nil && epoch >= k.before && epoch < k.end {
			return k.index(epoch)
		}
		return pacificIndex(epoch)
	}
	return floorDiv(epoch, dayMinutes)
}

const dayMinutes = 24 * 60 // of a day of UTC

// latest is the latest Pacific day that DayIndex was asked for. It is kept because a
// question to the time zone costs as much as a decision.
var latest atomic.Pointer[twoDays]

// twoDays are a day and the one before it: before is the epoch at which the earlier one
// begins, begin and end are those of the later one, whose index is last.
type twoDays struct{ before, begin, end, last int64 }

func (k *twoDays) index(epoch int64) int64 {
	if epoch < k.begin {
		return k.last - 1
	}
	return k.last
}

func pacificIndex(epoch int64) int64 {
	d := DayOf(epoch, Pacific)
	if k := latest.Load(); k == nil || d.Index > k.last {
		begin := EpochAt(d.Start)
		latest.Store(&twoDays{EpochAt(DayOf(begin-1, Pacific).Start), begin, EpochAt(d.End), d.Index})
	}
	return d.Index
}

// DayOf returns the day that holds an epoch. A day begins where an epoch begins, and ends
// where an epoch ends.
func DayOf(epoch int64, z Zone) Day {
	if z == UTC {
		i := DayIndex(epoch, UTC)
		return Day{i, Start(i * dayMinutes), Start((i + 1) * dayMinutes)}
	}
	t := time.Unix(StartSeconds(epoch), 0).In(pacific)
	_, offset := t.Zone()
	y, m, d := t.Date()
	return Day{
		Index: DayIndex(epoch+int64(offset/60), UTC), // offsets are whole minutes since 1883
		Start: time.Date(y, m, d, 0, 0, 0, 0, pacific).UnixNano(),
		End:   time.Date(y, m, d+1, 0, 0, 0, 0, pacific).UnixNano(),
	}
}
