package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// instant is when a request was admitted, and in which epoch it was counted, in
// one word: [epoch:28][nanoseconds into it:36].
type instant int64

const (
	instantBits = 36
	instantMask = 1<<instantBits - 1
)

// instantIn returns an instant in an epoch. A clock that reads another epoch counts
// as that end of the epoch which is nearer.
func instantIn(epoch, now int64) instant {
	return instant(epoch<<instantBits | min(max(now-window.Start(epoch), 0), window.Minute-1))
}

// epoch returns in which epoch the request was counted.
func (t instant) epoch() int64 { return int64(t) >> instantBits }

// at returns when the request was admitted, in Unix ns.
func (t instant) at() int64 { return window.Start(t.epoch()) + int64(t)&instantMask }

// moment returns both.
func (t instant) moment() counter.At { return counter.At{Epoch: t.epoch(), Now: t.at()} }

// within returns an instant, moved into an epoch: a request that goes on in the
// minute before does so by all limits.
func within(epoch, now int64) int64 {
	return min(max(now, window.Start(epoch)), window.Start(epoch+1)-1)
}
