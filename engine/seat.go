package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// signals are what the deployments of a view report to its search.
type signals struct {
	failing atomic.Bool // a deployment has a failure rate
	// ceiled says, by the minute's parity, that a deployment without a TPM limit has a
	// ceiling.
	ceiled  [2]atomic.Bool
	indexed bool // the search uses the blocks' bounds
	timed   bool // some limit needs an instant
	keyOf   func(i int, at counter.At) uint64
}

// seat is where a view has a deployment. It is stored before the view is published,
// so that a caller that frees capacity reaches the blocks of the new view.
type seat struct {
	in     *signals
	i      int
	blocks [2]*order.Block
}
