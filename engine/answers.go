package engine

import (
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// answers is what a deployment's provider has reported of its rule and its counts. A
// deployment has it from the first mark or observation on. All fields except the ledger
// are under the mutex of the handle's group.
type answers struct {
	ledger    ledger
	reported  [provider.Limits]learn.Limit
	announced [provider.Limits]announcedLimit
	phase     learn.Phase
	shape     learn.Shape  // of a profile whose shape is to be learned
	relimited int64        // when an answer last changed what is in force, Unix ns
	margin    learn.Margin // that refusals have taught
	last      Mark         // of the latest request whose answer has corrected the counters
}

// announcedLimit is the limit that was last announced, and the ID by which nodes share it.
type announcedLimit struct {
	limit int64
	id    string
}

// relimitEvery is how often an answer may change the limits in force, as each change
// publishes another view of the group (protocol 5).
const relimitEvery = int64(time.Second)

// ledger keeps a provider's figures and the refunds of leases in agreement. It is
// kept up only for deployments whose answers are observed.
//
// A figure replaces everything that was charged before its mark. Leases charged before it
// refund nothing afterwards, or headroom would grow by tokens that the figure never
// contained. If more stays counted than the figure, as in counters that nodes exchange,
// those leases refund down to the figure.
type ledger struct {
	figures [provider.Limits]figure
	// What leases have refunded. The count plus the refunds is all that was ever charged,
	// so that what was charged since a mark does not shrink when an older lease ends.
	tokens, requests, input atomic.Int64
}

// figure is the latest figure of one limit.
type figure struct {
	mark  atomic.Uint64 // of its request, as an order; 0 = there is no figure
	above atomic.Int64  // what is counted above it, which leases from before may give back
}

// replace begins to apply a figure with the order of its mark: from now on older leases
// refund nothing.
func (x *figure) replace(order uint64) {
	x.above.Store(0)
	x.mark.Store(order)
}

// allow returns how much of n a lease with a mark of that order may refund.
func (x *figure) allow(order uint64, n int64) int64 {
	at := x.mark.Load()
	if at == 0 || follows(order, at) {
		return n
	}
	for {
		above := x.above.Load()
		got := min(n, above)
		if got <= 0 {
			return 0
		}
		if x.above.CompareAndSwap(above, above-got) {
			return got
		}
	}
}

// follows reports whether mark a was made after mark b, by their orders. Sequences are
// compared modulo 2^24 within one epoch, which is valid unless eight million marks were made
// in between.
func follows(a, b uint64) bool {
	if a>>24 != b>>24 {
		return a>>24 > b>>24
	}
	d := (a - b) & mark24
	return d != 0 && d < 1<<23
}
