package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

const (
	blockSize = 16 // at most; a tier's blocks differ by at most one deployment
	// indexFrom is the size above which a tier is searched by block bounds.
	// Smaller tiers are scanned whole, in blocks of their own all the same.
	indexFrom = 64
)

// block is what the search remembers of up to blockSize cells.
//
// bound is at most the key of any of them that has room for one token; it is
// only used to rank. seq grows whenever one of them may have gained room or lost
// usage. room is [tokens:32][seq:32]: every cell refuses a request of that many
// tokens as long as the sequence is the one it was found at. why says what stood
// in the way.
//
// Who gives room changes the cell, then seq, then bound. Who raises bound or
// writes room reads seq first and looks again afterwards. Until a search has
// watched the block no search compares seq, and it stays as it is: a caller that gives
// room looks at watched after changing the cell, who refuses sets it before
// looking at the cells, so that one of them sees the other.
type block struct {
	bound     *atomic.Uint64 // in the view's bounds: [key][index], as a scan has it
	index     uint64         // of the block
	seq, room atomic.Uint64
	why       atomic.Uint32
	watched   atomic.Bool
}

// watch makes seq follow the block from now on, and returns it.
func (b *block) watch() uint64 {
	if !b.watched.Load() {
		b.watched.Store(true)
	}
	invariants.Yield()
	return b.seq.Load()
}

const roomUnknown = 1<<32 - 1

// refuses reports whether no cell of the block can take that many tokens, as
// found at sequence q.
func (b *block) refuses(tokens int64, q uint64) bool {
	w := b.room.Load()
	return uint32(w) == uint32(q) && int64(w>>32) <= tokens && w>>32 != roomUnknown
}

// remember stores the room found at sequence q: the most tokens a cell can take,
// -1 if none takes a request at all.
func (b *block) remember(room int64, why reason, q uint64) {
	b.why.Store(uint32(why))
	b.room.Store(uint64(min(room+1, roomUnknown))<<32 | q&(1<<32-1))
}

// least returns the bound.
func (b *block) least() uint64 { return b.bound.Load() >> indexBits }

// lower makes k a bound.
func (b *block) lower(k uint64) {
	k = k<<indexBits | b.index
	for {
		o := b.bound.Load()
		if o <= k || b.bound.CompareAndSwap(o, k) {
			return
		}
	}
}

// raise makes k the bound in place of o, unless the sequence is not q any more.
func (b *block) raise(o, k, q uint64) {
	if k > o && b.seq.Load() == q && b.bound.CompareAndSwap(o<<indexBits|b.index, k<<indexBits|b.index) && b.seq.Load() != q {
		b.lower(o) // room came in between: the old bound stands
	}
}

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
	blocks [2]*block
}
