package order

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

const (
	BlockSize = 16 // deployments of a block at most; the blocks of a tier differ by at most one
	// IndexFrom is the size above which a tier is searched by the bounds of its blocks.
	// Smaller tiers are scanned whole; they have blocks too, for refusals.
	IndexFrom = 64
)

// Block is what the search remembers of up to BlockSize deployments.
//
// bound is a lower bound of the keys of those with headroom for one token. It is
// only used to rank. seq grows whenever one of them may have gained headroom or lost
// usage. room is [tokens:32][seq:32]: every deployment refuses a request of that many
// tokens as long as seq is unchanged. why is the reason of that refusal.
//
// A caller that frees capacity writes the counter, then seq, then bound. A search that
// raises bound or writes room reads seq first and compares it afterwards. Seq is incremented
// only once a search has set watched: the caller reads watched after writing the counter, and
// a search that refuses sets it before reading the counters, so that one of them sees the
// other (Dekker handshake, protocol 3).
type Block struct {
	bound     *atomic.Uint64 // in the view's bounds: [key][index], as a scan has it
	index     uint64         // of the block
	seq, room atomic.Uint64
	why       atomic.Uint32
	watched   atomic.Bool
}

// Init begins with the lowest bound; index is the block's index in the view. If watched is set,
// seq is incremented from the beginning.
func (b *Block) Init(bound *atomic.Uint64, index uint64, watched bool) {
	b.bound, b.index = bound, index
	b.bound.Store(index)
	b.seq.Store(1) // so that the zero value of room is not valid
	b.watched.Store(watched)
}

// Renew clears what the block remembers: seq first, then the bound (protocol 3).
func (b *Block) Renew() {
	b.seq.Add(1)
	b.bound.Store(b.index)
}

// Watched reports whether a search compares seq.
func (b *Block) Watched() bool { return b.watched.Load() }

// Seq returns the sequence number.
func (b *Block) Seq() uint64 { return b.seq.Load() }

// Moves returns the sum of the sequence numbers of blocks.
func Moves(blocks []Block) (n uint64) {
	for b := range blocks {
		n += blocks[b].seq.Load()
	}
	return n
}

// Move increments seq, because a deployment may have gained headroom or lost usage.
func (b *Block) Move() { b.seq.Add(1) }

// Watch makes seq count from now on, and returns it. The caller reads the counters afterwards
// (protocol 3).
func (b *Block) Watch() uint64 {
	if !b.watched.Load() {
		b.watched.Store(true)
	}
	invariants.Yield()
	return b.seq.Load()
}

const roomUnknown = 1<<32 - 1 // in room: more than room can hold

// Refusing returns how many of the blocks, up to the first that may admit a request of that many
// tokens, refuse it by a headroom that was remembered at their current seq. It returns the sum of
// these seq and the highest reason. (A loop of its own, as a search that refuses mostly reads this
// alone.)
func Refusing(blocks []Block, tokens int64) (n int, moves uint64, why uint32) {
	for n < len(blocks) {
		b := &blocks[n]
		seq, w := b.Watch(), b.room.Load()
		if uint32(w) != uint32(seq) || int64(w>>32) > tokens || w>>32 == roomUnknown {
			break
		}
		n, moves, why = n+1, moves+seq, max(why, b.why.Load())
	}
	return n, moves, why
}

// Remember stores the headroom found at seq q: the most tokens that a deployment of the block
// can take, -1 if none admits any request.
func (b *Block) Remember(room int64, why uint32, q uint64) {
	b.why.Store(why)
	b.room.Store(uint64(min(room+1, roomUnknown))<<32 | q&(1<<32-1))
}

// Least returns the bound.
func (b *Block) Least() uint64 { return b.bound.Load() >> IndexBits }

// Lower lowers the bound to k, if it is above that.
func (b *Block) Lower(k uint64) {
	k = k<<IndexBits | b.index
	for {
		o := b.bound.Load()
		if o <= k || b.bound.CompareAndSwap(o, k) {
			return
		}
	}
}

// Raise raises the bound from o to k, unless seq is no longer q (protocol 3).
func (b *Block) Raise(o, k, q uint64) {
	if k > o && b.seq.Load() == q && b.bound.CompareAndSwap(o<<IndexBits|b.index, k<<IndexBits|b.index) && b.seq.Load() != q {
		b.Lower(o) // capacity was freed between the two comparisons: the old bound stays
	}
}
