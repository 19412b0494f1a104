package provider

import (
	"regexp"
	"strings"
	"time"
)

var (
	// "Please try again in 1.146s", "try again in 6m0s", "Please retry after 7
	// seconds", "retry in 12.5s", "try again in 1 day", "wait 1,200 seconds".
	askedToWait = regexp.MustCompile(`(?i)(?:(?:try again|retry|resets?|available again) (?:in|after)|wait(?: for)?) ([0-9][0-9.,]*)\s*(milliseconds?|sec(?:ond)?s?\b|min(?:ute)?s?\b|hours?|days?|(?:ms|d|h|m|s)(?:[0-9.]+(?:ms|h|m|s))*)?`)
	// "on tokens per min (TPM): Limit 50000, Used 47949, Requested 3006": OpenAI,
	// Groq. Numbers may be estimated ("~4251").
	figures = regexp.MustCompile(`(?i)\b((?:input |output )?tokens|requests) per (min|minute|hour|day)\b[^:]{0,80}: Limit ~?([0-9]+(?:,[0-9]{3})*)(?:, Used ~?([0-9]+(?:,[0-9]{3})*))?(?:, Requested ~?([0-9]+(?:,[0-9]{3})*))?`)
)

// retryAfter returns the wait that an answer reports. The first source that has one counts:
// retry-after-ms, x-ms-retry-after-ms, retry-after, the body, a gateway's headers, and the
// resets of the limits that are used up.
func (r *reader) retryAfter(e *refusal) time.Duration {
	if r.out.Kind == RateLimit && e.dailyQuota() {
		// Other waits are ignored: an answer with one second was recorded.
		return limitWait(float64(r.dayEnd().Sub(r.At)))
	}
	most := MaxRetryAfter
	if e.daily() || e.waitsDays() || r.usedUp(PerDay) {
		most = MaxReset
	} else if r.usedUp(PerHour) {
		most = time.Hour
	}
	for _, h := range []struct {
		name string
		unit time.Duration
	}{
		{"retry-after-ms", time.Millisecond}, {"x-ms-retry-after-ms", time.Millisecond}, {"retry-after", time.Second},
	} {
		// A wait of 0 is ignored: Azure sends retry-after-ms: 0
		// beside retry-after: 1.
		if d, ok := r.wait(r.header(h.name), h.unit); ok && d > 0 {
			return min(d, most)
		}
	}
	if d, ok := r.hint(e); ok && d > 0 {
		return min(d, most)
	}
	if r.out.Kind != RateLimit {
		return 0
	}
	if d := r.gatewayWait(e); d > 0 {
		return min(d, most)
	}
	longest := time.Duration(0)
	for _, v := range r.out.Readings() {
		if v.usedUp() {
			longest = max(longest, v.Reset)
		}
	}
	return min(longest, most)
}

// usedUp reports whether, by the reading, nothing remains.
func (v *Reading) usedUp() bool { return v.HasRemaining && v.Remaining <= v.Grain/2 }

// usedUp reports whether, by a reading, a limit over a span is used up.
func (r *reader) usedUp(s Span) bool {
	for l, v := range r.out.Readings() {
		if l.Per() == s && v.usedUp() {
			return true
		}
	}
	return false
}

// dayEnd returns when the provider's day ends.
func (r *reader) dayEnd() time.Time {
	p, _ := Preset(r.Provider, "")
	return p.Day.End(r.At)
}

// hint reads a wait from a body.
func (r *reader) hint(f *refusal) (time.Duration, bool) {
	if d, ok := r.wait(f.retry, time.Second); ok && d > 0 {
		return d, true
	}
	at := r.At
	m := askedToWait.FindStringSubmatch(f.message)
	if m == nil {
		return 0, false
	}
	number, unit := strings.ReplaceAll(strings.TrimRight(m[1], ".,"), ",", ""), strings.ToLower(m[2])
	switch {
	case unit == "" && strings.HasPrefix(strings.ToLower(m[0]), "wait"):
		return 0, false // without a unit "wait 3" may be followed by "times"
	case unit == "":
		return parseWait(number, time.Second, at)
	case strings.HasPrefix(unit, "milli"):
		return parseWait(number, time.Millisecond, at)
	case strings.HasPrefix(unit, "sec"):
		return parseWait(number, time.Second, at)
	case strings.HasPrefix(unit, "min"):
		return parseWait(number, time.Minute, at)
	case strings.HasPrefix(unit, "hour"):
		return parseWait(number, time.Hour, at)
	case strings.HasPrefix(unit, "day"):
		return parseWait(number, 24*time.Hour, at)
	}
	return parseWait(strings.TrimRight(number+unit, "."), time.Second, at)
}

// readFigures reads the figures of a refusal's body. Those of the headers stay.
func (r *reader) readFigures(e *refusal) {
	for _, q := range e.quotas {
		if n, ok := parseFigure(q.value); ok && n > 0 {
			r.fill(limitOf(q.id), n, 0, r.out.Kind == RateLimit)
		}
	}
	r.readRouter(e)
	m := figures.FindStringSubmatch(e.message)
	if m == nil {
		return
	}
	limit, ok := parseFigure(m[3])
	if !ok || limit <= 0 {
		return
	}
	used, ok := parseFigure(m[4])
	r.fill(limitOf(m[1]+" per "+m[2]), limit, limit-used, ok)
}

func (r *reader) fill(of Limit, limit, remaining int64, known bool) {
	to := &r.out.readings[of]
	if to.Limit == 0 {
		to.Limit = limit
	}
	if !to.HasRemaining && known {
		to.Remaining, to.HasRemaining = remaining, true
	}
}

// limitOf returns the limit that is named by words such as "tokens per day" or
// "GenerateContentInputTokensPerModelPerMinute-FreeTier".
func limitOf(words string) Limit {
	w := strings.ToLower(words)
	counts, per := Tokens, PerMinute
	switch {
	case strings.Contains(w, "day"):
		per = PerDay
	case strings.Contains(w, "hour"):
		per = PerHour
	}
	switch {
	case !strings.Contains(w, "token"):
		counts = Requests
	case per != PerMinute: // of all tokens
	case strings.Contains(w, "output "):
		counts = OutputTokens
	case strings.Contains(w, "input "):
		counts = InputTokens
	}
	return LimitOf(counts, per)
}
