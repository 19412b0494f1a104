package valkeystore

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// counterKinds are the counters that a window may have, in the order in which
// they are written. Only those exist that a node has used.
var counterKinds = [...]syncer.Counts{syncer.CountTokens, syncer.CountRequests, syncer.CountInput, syncer.CountOutput}

const counterCount = len(counterKinds)

// field returns what a tally says of a counter.
func field(t *window.Tally, c syncer.Counts) *int64 {
	switch c {
	case syncer.CountTokens:
		return &t.Tokens
	case syncer.CountRequests:
		return &t.Requests
	case syncer.CountInput:
		return &t.Input
	default:
		return &t.Output
	}
}

// counter is one counter of a deployment in a window.
type counter struct {
	id    string
	kind  window.Kind
	start int64
	count syncer.Counts // one of them
}

// blank returns a tally without its counts.
func blank(t *window.Tally) window.Tally { return window.Tally{ID: t.ID, Kind: t.Kind, Start: t.Start} }

// changed returns which counters a delta changes.
func changed(d *window.Tally) (which syncer.Counts) {
	for _, k := range counterKinds {
		if *field(d, k) != 0 {
			which |= k
		}
	}
	return which
}

// created reports whether a delta may have made one of the counters named: its
// total is then the delta itself.
func created(d, total *window.Tally, which syncer.Counts) bool {
	for _, k := range counterKinds {
		if which&k != 0 && *field(total, k) == *field(d, k) {
			return true
		}
	}
	return false
}

// lives returns how many seconds a counter lives that is touched now: what the
// format has for a minute, for a day until a little after it.
func (b *bucket) lives(c counter, now time.Time) int64 {
	if !c.kind.Long() {
		return int64(b.names.ttl(c) / time.Second)
	}
	_, end := c.kind.Span(c.start)
	return max(end+int64(dayTTL/time.Second)-now.Unix(), int64(keyTTL/time.Second))
}
