package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// frame is a group's window: the cells of its deployments in one epoch. At a
// rollover, and by Apply, it is replaced as a whole; writers that still hold it
// finish there and are found again, or see its cells sealed.
type frame struct {
	Epoch int64
	end   int64
	// wake is when the frame has to be looked at: its end, or a cooldown's.
	wake atomic.Int64
	// ceiled says that a deployment without a TPM limit has a ceiling.
	ceiled atomic.Bool
	// failing says that a deployment has a failure rate.
	failing atomic.Bool
	*layout
	e       *Engine // of the layout, one load closer, like the next
	handles []*handle
	cells   []window.Cell
	blocks  []block
	shares  []share // under the group's mutex
	foreign []foreign
	spots   []spot
	prev    atomic.Pointer[frame]
}

// spot is where a handle's cell stands at present.
type spot struct {
	f *frame
	i int
}

// share is what the other nodes used and how far this node may go, and what
// Collect last said.
type share struct {
	tokens, requests         int64
	ceilTokens, ceilRequests int64
	toldTokens, toldRequests int64
	split                    [splits]splitShare
}

// noShare is the share of a node alone.
var noShare = share{
	ceilTokens: window.Max, ceilRequests: window.Max,
	split: [splits]splitShare{{ceil: window.Max}, {ceil: window.Max}},
}

func newFrame(l *layout, epoch int64) *frame {
	n := len(l.handles)
	f := &frame{
		Epoch: epoch, end: window.Start(epoch + 1), layout: l, e: l.e, handles: l.handles,
		cells: make([]window.Cell, n), blocks: make([]block, len(l.starts)-1), shares: make([]share, n), foreign: make([]foreign, n), spots: make([]spot, n),
	}
	f.wake.Store(f.end)
	for b := range f.blocks {
		f.blocks[b].seq.Store(1) // a zero room is never valid
		f.blocks[b].watched.Store(n > indexFrom)
	}
	for i := range f.shares {
		f.shares[i] = noShare
		f.spots[i] = spot{f, i}
	}
	return f
}

// begin returns when the frame's minute begins.
func (f *frame) begin() int64 { return window.Start(f.Epoch) }

// has reports whether cell i is h's: a place may be of another frame.
func (f *frame) has(i int, h *handle) bool { return i < len(f.handles) && f.handles[i] == h }

// recap sets a cell's caps from its handle and share. Under the group's mutex.
func (f *frame) recap(i int) {
	h := f.handles[i]
	f.shift(i, 0, 0)
	if h.failing.Load() != 0 {
		f.failing.Store(true)
	}
	if at := h.alarm(); at != 0 && at < f.wake.Load() {
		f.wake.Store(at)
	}
}

// shift adds to others' usage in a cell and sets its caps. Under the group's
// mutex.
func (f *frame) shift(i int, tokens, requests int64) {
	h := f.handles[i]
	t, r := f.capsOf(i)
	if h.probeUntil != 0 {
		h.requestCap.Store(r)
		r = min(r, f.probes(i, requests))
	}
	if h.tokenCap == window.Max && f.shares[i].ceilTokens < window.Max {
		f.ceiled.Store(true)
	}
	f.cells[i].Shift(tokens, requests, t, r)
}

// own returns this node's usage in a cell, never below zero. Under the group's
// mutex.
func (f *frame) own(i int) (tokens, requests int64) {
	c := &f.cells[i]
	t, r := f.elsewhere(i)
	return max(c.Tokens()-t, 0), max(c.Requests()-r, 0)
}

// elsewhere returns what of a cell's usage is not this node's. Under the group's
// mutex.
func (f *frame) elsewhere(i int) (tokens, requests int64) {
	t, r := f.foreign[i].load()
	return f.shares[i].tokens + t, f.shares[i].requests + r
}

// key returns a cell's ranking key.
func (f *frame) key(i int) uint64 {
	if f.further {
		at := f.moment()
		return f.keyAt(i, &at)
	}
	return f.plainKey(i)
}

// keyFor returns a cell's ranking key at the instant of a decision.
func (f *frame) keyFor(i int, q *ask) uint64 {
	if f.further {
		return f.keyAt(i, &q.at)
	}
	return f.plainKey(i)
}

// plainKey is key where the cells know all limits.
func (f *frame) plainKey(i int) uint64 {
	c := &f.cells[i]
	if f.strategy == LowestTPM {
		return f.failedTokens(i, uint64(c.Tokens()))
	}
	k := utilKey(uint64(c.Tokens()), uint64(c.Requests()), f.inverses[i])
	if f.failing.Load() {
		k = rank(f.failed(i, k>>keyTokenBits), k&keyTokenMax)
	}
	return k
}

// keyAt is key at a moment, where there are limits that the cell does not know.
func (f *frame) keyAt(i int, at *moment) uint64 {
	k, _ := f.look(i, at, &amounts{})
	return k
}

// indexed reports whether a cell's block keeps a bound.
func (f *frame) indexed(i int) bool {
	return len(f.cells) > indexFrom && int(f.blockOf[i]) < len(f.blocks)
}
