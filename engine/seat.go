package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// signals are what the deployments of a view report to its search.
type signals struct {
	failing atomic.Bool // a deployment has a failure rate
	// ceiled is set, by the minute's parity, if a deployment without a TPM limit has a
	// ceiling.
	ceiled  [2]atomic.Bool
	indexed bool                              // the search uses the blocks' bounds
	timed   bool                              // some limit needs an instant
	keyOf   func(i int, at counter.At) uint64 // the ranking key of the view's i-th deployment
}

// seat is the place of a deployment in a view. It is stored before the view is published,
// so that a caller that frees capacity reaches the blocks of the new view (protocol 5).
type seat struct {
	in     *signals
	i      int             // the deployment's index in the view
	blocks [2]*order.Block // by the minute's parity
}
