package window

import (
	"time"
	_ "time/tzdata" // midnight Pacific must not depend on the host's files
)

// Zone says when a day begins.
type Zone uint8

const (
	UTC     Zone = iota // midnight UTC
	Pacific             // midnight in Los Angeles, daylight saving time observed

	Zones = iota // how many there are
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
	const minutes = 24 * 60
	if z == Pacific {
		_, offset := time.Unix(StartSeconds(epoch), 0).In(pacific).Zone()
		epoch += int64(offset / 60) // whole minutes since 1883
	}
	i := epoch / minutes
	if epoch%minutes < 0 {
		i--
	}
	return i
}

// DayOf returns the day that holds an epoch. Days begin and end with one.
func DayOf(epoch int64, z Zone) Day {
	i := DayIndex(epoch, z)
	if z == UTC {
		const minutes = 24 * 60
		return Day{i, Start(i * minutes), Start((i + 1) * minutes)}
	}
	y, m, d := time.Unix(StartSeconds(epoch), 0).In(pacific).Date()
	return Day{
		Index: i,
		Start: time.Date(y, m, d, 0, 0, 0, 0, pacific).UnixNano(),
		End:   time.Date(y, m, d+1, 0, 0, 0, 0, pacific).UnixNano(),
	}
}
