package fuzz

import (
	"math"
	"math/big"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// classes is how many priority classes every world has.
const classes = 4

// shares are what the classes of a world may have of every limit.
var shares = [][]float64{{1, 0.8, 0.29, 1e-9}, {1, 1, 0.5, 0.5}, {1, 0.999999999, 1.0 / 3, 0.01}}

// part is a limit, as configurations write it, for the class of a demand.
func (m *model) part(limit int64, q engine.Demand) int64 {
	if limit <= 0 || limit >= 1<<52 {
		return limit
	}
	n := big.NewInt(int64(math.Round(m.shares[q.Priority] * 1e9)))
	n.Mul(n, big.NewInt(limit)).Div(n, big.NewInt(1e9))
	if n.Sign() == 0 {
		return engine.Blocked
	}
	return n.Int64()
}
