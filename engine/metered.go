package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// metered is what a lease remembers of the meters that admitted it:
// [rated:1][meters:7][tick:13][input charged:43], a bit for each of meterKinds.
// The tick is how far into its minute it was admitted, rounded down. 0 = none.
type metered uint64

const (
	meteredTick  = 43
	meteredKinds = meteredTick + 13
	isRated      = metered(1) << 63
	leaseTick    = int64(8 * time.Millisecond)
)

// A lease remembers every kind of meter: this does not compile once meterKinds
// has more rows than there are bits below isRated.
const _ = uint(63 - meteredKinds - len(meterKinds))

func (m metered) input() int64 { return int64(m & (1<<meteredTick - 1)) }

// at returns when the lease was admitted, rounded down to leaseTick.
func (m metered) at(epoch int64) int64 {
	return window.Start(epoch) + int64(m>>meteredTick&(1<<13-1))*leaseTick
}

// remember returns what a lease admitted at an instant remembers.
func (ms *meters) remember(epoch, at, input int64) metered {
	if ms == nil {
		return 0
	}
	m := ms.kinds | metered(input)
	if ms.clock != nil {
		tick := min(max(at-window.Start(epoch), 0), window.Minute-1) / leaseTick
		m |= metered(tick) << meteredTick
	}
	return m
}
