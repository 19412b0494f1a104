package engine

import (
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// answers is what a deployment's provider has reported of its rule and its counts. A
// deployment has it from the first mark or observation on. All but the ledger is under
// the mutex of the handle's group.
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

// relimitEvery is how often an answer may change what is in force: the group's
// windows are swapped for it.
const relimitEvery = int64(time.Second)

// ledger keeps a provider's figures and what leases give back in agreement. It is
// kept up only for deployments whose answers are observed.
//
// A figure replaces what was charged before its mark: the leases of then give
// nothing back afterwards, or the room that the figure left would grow by what it
// never contained. Where more stays counted than the figure says, as for counters
// that nodes exchange, they give back down to the figure.
type ledger struct {
	figures [provider.Limits]figure
	// Given back by leases: with what is counted it is all that was ever
	// charged, so that what was charged since a mark does not shrink when an older
	// lease ends.
	tokens, requests, input atomic.Int64
}

// figure is the latest figure of one limit.
type figure struct {
	mark  atomic.Uint64 // of its request, as an order; 0 = there is no figure
	above atomic.Int64  // what is counted above it, which leases from before may give back
}

// replace begins to take a figure in: from now on older leases give nothing back.
func (x *figure) replace(order uint64) {
	x.above.Store(0)
	x.mark.Store(order)
}

// allow returns how much a lease with a mark may give back of n.
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

// follows reports whether a mark was made after another, by their orders.
func follows(a, b uint64) bool {
	if a>>24 != b>>24 {
		return a>>24 > b>>24
	}
	d := (a - b) & mark24
	return d != 0 && d < 1<<23
}
