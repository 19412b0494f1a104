package order

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

const (
	BlockSize = 16 // at most; a tier's blocks differ by at most one deployment
	// IndexFrom is the size above which a tier is searched by block bounds.
	// Smaller tiers are scanned whole, in blocks of their own all the same.
	IndexFrom = 64
)

// Block is what the search remembers of up to BlockSize cells.
//
// bound is at most the key of any of them that has room for one token; it is
// only used to rank. seq grows whenever one of them may have gained room or lost
// usage. room is [tokens:32][seq:32]: every cell refuses a request of that many
// tokens as long as the sequence is the one it was found at. why says what stood
// in the way.
//
// A caller that frees capacity changes the counter, then seq, then bound. A search that
// raises bound or writes room reads seq first and looks at it again afterwards. Until a
// search has watched the block no search compares seq, and it stays as it is: the caller
// looks at watched after it has changed the counter, and a search that refuses sets it
// before it looks at the counters, so that one of them sees the other (protocol 3).
type Block struct {
	bound     *atomic.Uint64 // in the view's bounds: [key][index], as a scan has it
	index     uint64         // of the block
	seq, room atomic.Uint64
	why       atomic.Uint32
	watched   atomic.Bool
}

// Init begins with a bound that holds for all, index being the block's in the view; watched
// says to count from the beginning.
func (b *Block) Init(bound *atomic.Uint64, index uint64, watched bool) {
	b.bound, b.index = bound, index
	b.bound.Store(index)
	b.seq.Store(1) // a zero room is never valid
	b.watched.Store(watched)
}

// Renew makes the block forget what was found out: seq first, then the bound (protocol 3).
func (b *Block) Renew() {
	b.seq.Add(1)
	b.bound.Store(b.index)
}

// Watched reports whether a search compares seq.
func (b *Block) Watched() bool { return b.watched.Load() }

// Seq returns the sequence number.
func (b *Block) Seq() uint64 { return b.seq.Load() }

// Move moves the sequence number on: a deployment may have gained room or lost usage.
func (b *Block) Move() { b.seq.Add(1) }

// Why returns what stood in the way when room was remembered.
func (b *Block) Why() uint32 { return b.why.Load() }

// Watch makes seq follow the block from now on, and returns it.
func (b *Block) Watch() uint64 {
	if !b.watched.Load() {
		b.watched.Store(true)
	}
	invariants.Yield()
	return b.seq.Load()
}

const roomUnknown = 1<<32 - 1

// Refuses reports whether no cell of the block can take that many tokens, as
// found at sequence q.
func (b *Block) Refuses(tokens int64, q uint64) bool {
	w := b.room.Load()
	return uint32(w) == uint32(q) && int64(w>>32) <= tokens && w>>32 != roomUnknown
}

// Remember stores the room found at sequence q: the most tokens a cell can take,
// -1 if none takes a request at all.
func (b *Block) Remember(room int64, why uint32, q uint64) {
	b.why.Store(why)
	b.room.Store(uint64(min(room+1, roomUnknown))<<32 | q&(1<<32-1))
}

// Least returns the bound.
func (b *Block) Least() uint64 { return b.bound.Load() >> IndexBits }

// Lower makes k a bound.
func (b *Block) Lower(k uint64) {
	k = k<<IndexBits | b.index
	for {
		o := b.bound.Load()
		if o <= k || b.bound.CompareAndSwap(o, k) {
			return
		}
	}
}

// Raise makes k the bound in place of o, unless the sequence is not q any more.
func (b *Block) Raise(o, k, q uint64) {
	if k > o && b.seq.Load() == q && b.bound.CompareAndSwap(o<<IndexBits|b.index, k<<IndexBits|b.index) && b.seq.Load() != q {
		b.Lower(o) // room came in between: the old bound stands
	}
}
