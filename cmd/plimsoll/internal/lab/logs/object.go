package logs

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object, or a line of CSV by its columns.
type object map[string]any

// first returns the first of the members that is there.
func (o object) first(names ...string) (string, any) {
	for _, n := range names {
		if v := o[n]; v != nil && v != "" {
			return n, v
		}
	}
	return names[0], nil
}

// text returns a member that is text; "" = none.
func (o object) text(names ...string) string {
	_, v := o.first(names...)
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// tokens returns a member that is a number of tokens; 0 = none.
func (o object) tokens(names ...string) (int64, error) {
	name, v := o.first(names...)
	n, err := number(v)
	if err != nil || n < 0 || n > MaxTokens {
		return 0, fmt.Errorf("%s is %s; want a whole number from 0 to %d", name, shown(v), MaxTokens)
	}
	return int64(n), nil
}

func number(v any) (float64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		return v.Float64()
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if math.IsNaN(f) {
			return 0, strconv.ErrSyntax
		}
		return f, err
	}
	return 0, strconv.ErrSyntax
}

// shown returns a value as errors name it: a number or a time is quoted, but no other text, as
// it may be a prompt or a key in the wrong place.
func shown(v any) string {
	switch v.(type) {
	case string, json.Number:
	default:
		return "no number"
	}
	s := fmt.Sprint(v)
	if len(s) > 40 || strings.Trim(s, "0123456789+-.:eETZ ") != "" {
		return fmt.Sprintf("text of %d bytes", len(s))
	}
	return strconv.Quote(s)
}

// layouts are how logs write times.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999Z0700 MST",
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 UTC",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
}

// time returns a member that is a time: as a date in UTC unless it names a zone, or in
// seconds, milliseconds, microseconds or nanoseconds since 1970 by its size. The zero time =
// none.
func (o object) time(names ...string) (time.Time, error) {
	name, v := o.first(names...)
	if v == nil {
		return time.Time{}, nil
	}
	s := strings.TrimSpace(fmt.Sprint(v))
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	if whole, err := strconv.ParseInt(s, 10, 64); err == nil && whole >= 1e17 && whole < 9e18 {
		return time.Unix(0, whole).UTC(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f >= 9e18 {
		return time.Time{}, fmt.Errorf("%s is %s; want a date such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970", name, shown(s))
	}
	switch {
	case f < 1e11:
		return time.UnixMicro(int64(f * 1e6)).UTC(), nil
	case f < 1e14:
		return time.UnixMilli(int64(f)).UTC(), nil
	}
	return time.UnixMicro(int64(f)).UTC(), nil
}
