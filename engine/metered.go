package engine

// metered is what a lease remembers of the meters that admitted it:
// [rated:1][meters:7][unused:13][input charged:43], a bit for each of meterKinds.
// 0 = none.
type metered uint64

const (
	meteredInput = 43
	meteredKinds = meteredInput + 13
	isRated      = metered(1) << 63
)

// A lease remembers every kind of meter: this does not compile once meterKinds
// has more rows than there are bits below isRated.
const _ = uint(63 - meteredKinds - len(meterKinds))

func (m metered) input() int64 { return int64(m & (1<<meteredInput - 1)) }

// remember returns what a lease remembers that was admitted with so much input.
func (ms *meters) remember(input int64) metered {
	if ms == nil {
		return 0
	}
	return ms.kinds | metered(input)
}
