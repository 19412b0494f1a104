package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/window"
)

// The rest of a limit lapses when its minute ends. If the minutes of a group's deployments end
// at different times, of two deployments with equal utilization
// the one whose minute ends first ranks first. A utilization u then ranks as
// 1/(1+(1-u)/left), where left is the part of the minute that is left, from 0 to
// 1. At the beginning of a minute, and for buckets, which lose nothing, the order is that
// of u; a limit that is used up ranks by u.

// lapsed returns the ratio by which a deployment of utilization u ranks. (Not inlined, because it
// would cost registers of the scan in groups in which nothing lapses.)
//
//go:noinline
func (v *view) lapsed(i int, at counter.At, u uint64) uint64 { return order.Lapsing(u, v.left(i, at)) }

// left returns how many nanoseconds are left of a deployment's minute.
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
