package engine

import "github.com/plimsoll-dev/plimsoll/window"

// instant is when a request was admitted, and in which epoch it was counted, in
// one word: [epoch:28][nanoseconds into it:36].
type instant int64

const (
	instantBits = 36
	instantMask = 1<<instantBits - 1
)

// instantIn returns an instant in a frame's epoch. A clock that reads another
// epoch counts as that end of the frame's which is nearer.
func (f *frame) instantIn(now int64) instant {
	into := min(max(now-(f.end-window.Minute), 0), window.Minute-1)
	return instant(f.Epoch<<instantBits | into)
}

// epoch returns in which epoch the request was counted.
func (t instant) epoch() int64 { return int64(t) >> instantBits }

// at returns when the request was admitted, in Unix ns.
func (t instant) at() int64 { return window.Start(t.epoch()) + int64(t)&instantMask }
