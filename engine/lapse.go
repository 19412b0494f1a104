package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Where the minutes of a group's deployments end at different times, what is left
// of a limit is worth more the sooner it lapses: of two that are equally utilized
// the one whose minute ends first goes first. A utilization u then ranks as
// 1/(1+(1-u)/left), of which left is how much of the minute is to come, from 0 to
// 1: at the beginning of a minute, and for buckets, which lose nothing, it ranks
// as u does, and what is used up ranks by u as ever.

// lapsed returns what a deployment's utilization ranks as. (Not inlined: where
// nothing lapses it would cost look registers.)
//
//go:noinline
func (v *view) lapsed(i int, at counter.At, u uint64) uint64 { return order.Lapsing(u, v.left(i, at)) }

// left returns how much is to come of the minute of a deployment.
func (v *view) left(i int, at counter.At) int64 {
	ms := v.limitsOf(i)
	switch {
	case ms == nil || ms.minute == nil:
		return window.Start(at.Epoch+1) - at.Now
	case ms.minute.Shape == counter.Level:
		return window.Minute
	}
	return ms.minute.End(at) - at.Now
}
