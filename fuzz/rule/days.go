package rule

import "time"

// Days admits up to Limit in each day, which begins at midnight.
type Days struct {
	Limit int64
	// Pacific is true for days of Los Angeles, which have 23 hours in March and 25
	// in November; false for days of UTC.
	Pacific bool

	begun, used int64
}

// day returns when the day of an instant began and when it ends.
func (d *Days) day(now int64) (begun, end int64) {
	t := time.Unix(0, now).UTC()
	if !d.Pacific {
		begun := t.Truncate(24 * time.Hour)
		return begun.UnixNano(), begun.Add(24 * time.Hour).UnixNano()
	}
	local := t.Add(pacific(t))
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return fromPacific(midnight).UnixNano(), fromPacific(midnight.AddDate(0, 0, 1)).UnixNano()
}

// fromPacific returns the instant at which clocks in Los Angeles show a midnight.
// Daylight saving time never begins or ends at midnight.
func fromPacific(midnight time.Time) time.Time {
	standard := midnight.Add(8 * time.Hour)
	return midnight.Add(-pacific(standard))
}

// pacific returns the offset of Los Angeles from UTC: daylight saving time lasts
// from the second Sunday of March, 10:00 UTC, to the first Sunday of November,
// 09:00 UTC (15 U.S.C. 260a).
func pacific(t time.Time) time.Duration {
	begins := sunday(t.Year(), time.March, 8).Add(10 * time.Hour)
	ends := sunday(t.Year(), time.November, 1).Add(9 * time.Hour)
	if !t.Before(begins) && t.Before(ends) {
		return -7 * time.Hour
	}
	return -8 * time.Hour
}

// sunday returns the first Sunday on or after a date.
func sunday(year int, month time.Month, day int) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7)
}

// Used returns what the current day has taken.
func (d *Days) Used(now int64) int64 {
	if begun, _ := d.day(now); begun != d.begun {
		d.begun, d.used = begun, 0
	}
	return d.used
}

// Take implements [Limit].
func (d *Days) Take(now, n int64) bool {
	if d.Used(now)+n > max(d.Limit, 0) {
		return false
	}
	d.used += n
	return true
}

// Add implements [Limit].
func (d *Days) Add(now, n int64) { d.used = max(d.Used(now)+n, 0) }

// Refund implements [Limit].
func (d *Days) Refund(now, charged, n int64) {
	if d.Used(now); charged >= d.begun {
		d.Add(now, -n)
	}
}

// Wait implements [Limit].
func (d *Days) Wait(now, n int64) (wait int64, never bool) {
	if d.Used(now)+n <= max(d.Limit, 0) {
		return 0, false
	}
	_, end := d.day(now)
	return end - now, n > max(d.Limit, 0)
}

// SetLimit implements [Limit].
func (d *Days) SetLimit(_, limit int64) { d.Limit = limit }

// State implements [Limit].
func (d *Days) State(now int64) State {
	left := max(d.Limit, 0) - d.Used(now)
	_, end := d.day(now)
	return State{Limit: max(d.Limit, 0), Left: left, Reset: time.Duration(end - now), Whole: true}
}
