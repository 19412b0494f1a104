package valkeystore

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// counterKinds are the counters that a window may have, in the order in which
// they are written. A counter exists once a node has changed it.
var counterKinds = [...]syncer.Counts{syncer.CountTokens, syncer.CountRequests, syncer.CountInput, syncer.CountOutput}

const counterCount = len(counterKinds)

// field returns the field of a tally that belongs to a counter.
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
	count syncer.Counts // exactly one of the Counts
}

// blank returns a tally without its counts.
func blank(t *window.Tally) window.Tally { return window.Tally{ID: t.ID, Kind: t.Kind, Start: t.Start} }

// changed returns the counters that a delta changes.
func changed(d *window.Tally) (which syncer.Counts) {
	for _, k := range counterKinds {
		if *field(d, k) != 0 {
			which |= k
		}
	}
	return which
}

// created reports whether a delta may have created one of the counters in which.
// Its total is then equal to the delta.
func created(d, total *window.Tally, which syncer.Counts) bool {
	for _, k := range counterKinds {
		if which&k != 0 && *field(total, k) == *field(d, k) {
			return true
		}
	}
	return false
}

// lives returns the TTL in seconds of a counter that is changed now: for a
// minute that of the format, for other windows until dayTTL after their end.
func (b *bucket) lives(c counter, now time.Time) int64 {
	if !c.kind.Long() {
		return int64(b.names.ttl(c) / time.Second)
	}
	_, end := c.kind.Span(c.start)
	return max(end+int64(dayTTL/time.Second)-now.Unix(), int64(keyTTL/time.Second))
}
