package lab

import (
	"strings"
	"time"
)

const minute = int64(time.Minute)

// meter counts what a deployment is made to work in minutes of UTC, input when a call
// begins and output when it ends, and how much of that is above a limit.
type meter struct {
	limit   int64
	at      int64 // the minute
	used    int64
	overrun int64 // of all minutes
}

func (m *meter) add(now, tokens int64) {
	if now/minute != m.at {
		m.at, m.used = now/minute, 0
	}
	before := max(0, m.used-m.limit)
	m.used += tokens
	m.overrun += max(0, m.used-m.limit) - before
}

// lower is [strings.ToLower] without an allocation for most names.
func lower(name string) string { return strings.ToLower(name) }
