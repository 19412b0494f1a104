package syncer

import (
	"github.com/plimsoll-dev/plimsoll/sync/internal/escrow"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes hold a leaky bucket of L that drains by L/60 a second in slices of one second. A_k is
// the amount committed in slice k. V_k+1 = A_k + max(0, V_k - L/60) is at least the level at
// the beginning of slice k+1 of a bucket that was charged A_k at the end of slice k. Slice k
// admits at most L - V_k. So the committed amount of slice j may reach
//
//	L - max(V_j, A_j+1 + max(0, V_j - L/60), A_j+1 + A_j+2 + max(0, V_j - L/60) - L/60)
//
// The second and the third term keep the reservations of the next two slices within their
// own bounds. The bound of a slice depends on the totals of its neighbours, which must be
// read in the same transaction. Then the rule of escrow holds unchanged, because every later
// grant, of any slice, reads the totals that this one has changed.

const (
	sliceCount = 64 // slices that are kept; a full bucket is empty after 60
	// unsettled is how long a slice's total may grow after its end, in seconds, by nodes whose
	// clocks are late. A total that was read later is final.
	unsettled = 2
)

// sliceTotals holds the totals of a deployment's last slices. All earlier slices are added
// to level, the level at the beginning of slice from. A node that has read nothing older
// assumes a full bucket there.
type sliceTotals struct {
	ring  [sliceCount]sliceTotal
	tick  int64 // sequence number of the latest reply
	from  int64
	level [4]escrow.Bucket
}

type sliceTotal struct {
	start int64
	total [4]int64
	final bool
	tick  int64 // sequence number of the reply that carried it
}

// begin moves from forward to the first slice that matters for slice j, with a full bucket
// before it.
func (s *sliceTotals) begin(j int64, limits Count) {
	if s.from >= j-escrow.Slices {
		return
	}
	s.from = j - escrow.Slices
	for i, limit := range limits.list() {
		s.level[i] = escrow.FullBucket(max(limit, 0))
	}
}

// advance adds final totals to the level and moves from past them.
func (s *sliceTotals) advance(limits Count) {
	for s.known(s.from) {
		for i, limit := range limits.list() {
			s.level[i].Resize(max(limit, 0))
			s.level[i].Next(s.total(s.from, i))
		}
		s.from++
	}
}

// of returns the total of the slice that begins at start, or nil if it is not known.
func (s *sliceTotals) of(start int64) *sliceTotal {
	if t := &s.ring[start%sliceCount]; t.start == start && t.tick != 0 {
		return t
	}
	return nil
}

// learn records a total of a reply.
func (s *sliceTotals) learn(start int64, total Count, now int64) {
	s.ring[start%sliceCount] = sliceTotal{start, total.list(), now/1e9 > start+unsettled, s.tick}
}

// known reports whether a slice's total is final, so that it need not be read again.
func (s *sliceTotals) known(start int64) bool {
	t := s.of(start)
	return t != nil && t.final
}

// fresh reports whether a slice's total is final or of the latest reply.
func (s *sliceTotals) fresh(start int64) bool {
	t := s.of(start)
	return t != nil && (t.final || t.tick == s.tick)
}

// most returns the amount that slice j of a bucket of limit may reach in dimension i. With
// sure, as grants need it, it is 0 if a total that matters is not fresh. Without sure, as
// asks need it, totals that are not fresh count as 0, because nodes may have returned their
// reservations since.
func (s *sliceTotals) most(j int64, i int, limit int64, sure bool) int64 {
	if s == nil {
		if sure {
			return 0
		}
		return limit
	}
	b := s.level[i]
	if b.Resize(limit); s.from < j-escrow.Slices {
		b = escrow.FullBucket(limit)
	}
	for k := max(s.from, j-escrow.Slices); k < j; k++ {
		if sure && !s.fresh(k) {
			return 0
		}
		b.Next(s.total(k, i))
	}
	if sure && !(s.fresh(j+1) && s.fresh(j+2)) {
		return 0
	}
	return b.Most(s.total(j+1, i), s.total(j+2, i))
}

// total returns a slice's total in dimension i; 0 if it is not fresh.
func (s *sliceTotals) total(start int64, i int) int64 {
	if s.fresh(start) {
		return s.of(start).total[i]
	}
	return 0
}

// neighbours has a batch read the neighbours of a slice on whose totals its bound depends, unless
// they are final or in the batch. Of a slice that is only read, and holds nothing, it reads those
// that are over, so that a node without usage still knows the level. It reports false, and
// changes nothing, if the batch has no space for the slice and its neighbours.
func (x *sent) neighbours(u *usage, asks bool) bool {
	if u.kind != window.KindSlice || u.accounts.none() || !asks && u.d.slices == nil {
		return x.hasSpace()
	}
	d, last, before := u.d, u.start+2, len(x.near)
	switch {
	case !asks:
		last = u.start - unsettled - 1
	case d.slices == nil:
		d.slices = new(sliceTotals)
	}
	d.slices.begin(u.start, u.limits())
	for k := d.slices.from; k <= last; k++ {
		if k == u.start || d.slices.known(k) {
			continue
		}
		if of := d.open(window.KindSlice, k); of.seq != x.seq && of.read != x.seq {
			of.read = x.seq
			x.near = append(x.near, of)
		}
	}
	if x.hasSpace() {
		return true
	}
	for _, of := range x.near[before:] {
		of.read = 0
	}
	x.near = x.near[:before]
	return false
}

// hasSpace reports whether a batch can take one more delta or read.
func (x *sent) hasSpace() bool { return len(x.usages)+len(x.near) < largestBatch }

// readNear appends reads of the neighbours that the batch does not change.
func (x *sent) readNear() {
	for _, u := range x.near {
		if u.seq != x.seq {
			x.read(u)
		}
	}
}

// learnSlices records the totals of slices in a reply. It must run before any of them is
// turned into a grant, because the bound of a slice depends on the others.
func (x *sent) learnSlices(totals []window.Tally, now int64) {
	for i, t := range totals {
		if u := x.usages[i]; u.kind == window.KindSlice && u.d.slices != nil {
			u.d.slices.tick = int64(x.seq)
			u.d.slices.learn(u.start, countOf(t), now)
		}
	}
	for _, u := range x.usages {
		if u.kind == window.KindSlice && u.d.slices != nil {
			u.d.slices.advance(u.limits())
		}
	}
}
