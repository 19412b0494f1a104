package fake

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pace lets the minutes of limits pass several times as fast as those of the clock.
type pace struct {
	from  time.Time // both are at the same time here
	times int64
}

// at returns the time of the limits at a time of the clock.
func (p pace) at(now time.Time) time.Time {
	return p.from.Add(now.Sub(p.from) * time.Duration(p.times))
}

// header converts a header to time of the clock: waits and times of the limits, as numbers of seconds or milliseconds, with units, or as dates.
func (p pace) header(name, value string, now time.Time) string {
	name = strings.ToLower(name)
	if p.times == 1 || !strings.Contains(name, "reset") && !strings.Contains(name, "retry") {
		return value
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return now.Add(t.Sub(p.at(now)) / time.Duration(p.times)).Truncate(time.Second).Add(time.Second).UTC().Format(time.RFC3339)
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		if at := p.at(now).Unix(); n > float64(at/2) { // seconds since 1970
			return strconv.FormatInt(now.Unix()+int64(math.Ceil((n-float64(at))/float64(p.times))), 10)
		}
		return strconv.FormatFloat(math.Ceil(n/float64(p.times)), 'f', -1, 64)
	}
	return p.duration(value)
}

// duration returns a wait with units, such as 1m12s, in time of the clock.
func (p pace) duration(wait string) string {
	if d, err := time.ParseDuration(wait); err == nil {
		return (d / time.Duration(p.times)).Round(time.Millisecond).String()
	}
	return wait
}

// waits are waits in the text of a refusal: "retry after 12 seconds", "try again in 1m2.5s",
// "retryDelay":"12s".
var waits = regexp.MustCompile(`(?i)((?:try again|retry) (?:in|after) |"retryDelay": ?")((?:\d+h)?(?:\d+m)?[\d.]*\d)(ms|s| seconds)`)

// text returns the text of a refusal with its waits in time of the clock.
func (p pace) text(body []byte) []byte {
	if p.times == 1 {
		return body
	}
	return waits.ReplaceAllFunc(body, func(found []byte) []byte {
		part := waits.FindSubmatch(found)
		before, number, unit := string(part[1]), string(part[2]), string(part[3])
		if n, err := strconv.ParseFloat(number, 64); unit == " seconds" && err == nil {
			return []byte(before + strconv.FormatFloat(math.Ceil(n/float64(p.times)), 'f', -1, 64) + unit)
		}
		return []byte(before + p.duration(number+unit))
	})
}
