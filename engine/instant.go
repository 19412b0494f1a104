package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// instant is the instant at which a request was admitted and the epoch in which it was
// counted, in one word: [epoch:28][nanoseconds into it:36].
type instant int64

const (
	instantBits = 36
	instantMask = 1<<instantBits - 1
)

// instantIn returns now (Unix ns) as an instant of an epoch. A time outside of the epoch is moved
// to the nearer end of it.
func instantIn(epoch, now int64) instant {
	return instant(epoch<<instantBits | min(max(now-window.Start(epoch), 0), window.Minute-1))
}

// epoch returns in which epoch the request was counted.
func (t instant) epoch() int64 { return int64(t) >> instantBits }

// at returns when the request was admitted, in Unix ns.
func (t instant) at() int64 { return window.Start(t.epoch()) + int64(t)&instantMask }

// moment returns both.
func (t instant) moment() counter.At { return counter.At{Epoch: t.epoch(), Now: t.at()} }

// within returns now, moved into an epoch. A request that goes on in the previous
// minute (protocol 2) is thus counted in it by all limits.
func within(epoch, now int64) int64 {
	return min(max(now, window.Start(epoch)), window.Start(epoch+1)-1)
}
