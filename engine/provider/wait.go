package provider

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // midnight Pacific must not depend on the host's files
)

// Numbers from these on are points in time, not durations.
const (
	unixSeconds = 1e9
	unixMillis  = 1e12
)

// stamps are the layouts of a point in time that is not a number.
var stamps = []string{time.RFC3339Nano, time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC}

// parseWait reads a wait from at on: a number of seconds
// ("26.5"), a duration ("6m0s", "84ms", "1h 2m"), or a point in time by RFC 3339,
// as an HTTP date or in Unix seconds or milliseconds. Unit is the unit of a number without
// one. A point in time that has passed is a wait of 0. The wait is rounded up to the millisecond
// and cut to [MaxReset].
func parseWait(text string, unit time.Duration, at time.Time) (wait time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 64 {
		return 0, false
	}
	// The form is recognized before it is parsed, because a failed attempt allocates.
	switch last := text[len(text)-1]; {
	case last == 's' || last == 'm' || last == 'h' || last == 'd':
		return parseDuration(strings.ReplaceAll(text, " ", ""))
	case strings.Contains(text, ":"):
		for _, layout := range stamps {
			if t, err := time.Parse(layout, text); err == nil {
				return limitWait(float64(t.Sub(at))), true
			}
		}
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(n):
		return 0, false
	case n >= unixMillis:
		return limitWait(n*1e6 - float64(at.UnixNano())), true
	case n >= unixSeconds:
		return limitWait(n*1e9 - float64(at.UnixNano())), true
	}
	return limitWait(n * float64(unit)), true
}

// parseDuration reads a duration that may begin with days: "1d12h".
func parseDuration(text string) (time.Duration, bool) {
	days := 0.0
	if before, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseFloat(before, 64)
		if err != nil || math.IsNaN(n) {
			return 0, false
		}
		if days = n * float64(24*time.Hour); after == "" {
			return limitWait(days), true
		}
		text = after
	}
	d, err := time.ParseDuration(text)
	return limitWait(days + float64(d)), err == nil
}

// wait is parseWait from the time of the answer on. A point in time is compared with the clock of
// the server that sent it: the Date header, if the answer has one.
func (r *reader) wait(text string, unit time.Duration) (time.Duration, bool) {
	text = once(text)
	return parseWait(text, unit, r.clock(text))
}

// clock returns the time at which a wait begins.
func (r *reader) clock(text string) time.Time {
	if len(text) < len("1000000000") {
		return r.At
	}
	if !r.dated {
		r.dated = true
		if own := r.header("date"); own != "" {
			if t, err := time.Parse(time.RFC1123, own); err == nil {
				r.ahead = t.Sub(r.At)
			}
		}
	}
	return r.At.Add(r.ahead)
}

// limitWait rounds nanoseconds up to milliseconds, from 0 to [MaxReset].
func limitWait(ns float64) time.Duration {
	ms := math.Ceil(ns/1e6 - 1e-6) // a whole number may be a little too high as a float
	return time.Duration(min(max(ms, 0), float64(MaxReset/time.Millisecond))) * time.Millisecond
}

// parseFigure reads a limit or a remainder, which may be negative, rounded down and clamped to
// maxFigure.
func parseFigure(text string) (n int64, ok bool) {
	f, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(text), ",", ""), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(f) {
		return 0, false
	}
	return int64(math.Floor(min(max(f, -float64(maxFigure)), float64(maxFigure)))), true
}

var pacific = func() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic("provider: embedded time zone data: " + err.Error())
	}
	return l
}()

// End returns when the day that holds t ends.
func (d Day) End(t time.Time) time.Time {
	zone := time.UTC
	if d == DayPacific {
		zone = pacific
	}
	y, m, day := t.In(zone).Date()
	return time.Date(y, m, day+1, 0, 0, 0, 0, zone)
}
