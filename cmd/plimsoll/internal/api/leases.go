package api

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// leases holds the leases of clients by ID. Their number is bounded. An ended lease
// takes no memory: IDs are a permutation of a counter, so an ID that was given out
// and is not held belongs to a lease that has ended.
type leases struct {
	names names
	next  atomic.Uint64
	held  atomic.Int64
	most  int64
	ttl   int64

	expired atomic.Int64
	shards  [leaseShards]leaseShard
}

const leaseShards = 64

// leaseShard holds leases in order of their expiry.
type leaseShard struct {
	mu          sync.Mutex
	byNumber    map[uint64]*held
	first, last *held
	_           [32]byte
}

// held is a lease that a client holds.
type held struct {
	lease      engine.Lease
	number     uint64
	owner      string // name of the token that acquired it; "" = there are no tokens
	expires    int64  // Unix nanoseconds
	prev, next *held
}

func newLeases(ttl time.Duration, most int) *leases {
	l := &leases{names: newNames(), most: int64(most), ttl: int64(ttl)}
	for i := range l.shards {
		l.shards[i].byNumber = map[uint64]*held{}
	}
	return l
}

var heldPool = sync.Pool{New: func() any { return new(held) }}

// reserve counts one more lease and reports whether it is within the bound.
func (l *leases) reserve() bool {
	if l.held.Add(1) > l.most {
		l.held.Add(-1)
		return false
	}
	return true
}

// unreserve undoes reserve.
func (l *leases) unreserve() { l.held.Add(-1) }

// keep assigns a number to a lease, for which reserve has returned true, and holds it
// until take or its expiry.
func (l *leases) keep(h *held, now int64) {
	h.number, h.expires = l.next.Add(1), now+l.ttl
	s := &l.shards[h.number%leaseShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byNumber[h.number] = h
	if h.prev = s.last; h.prev == nil {
		s.first = h
	} else {
		h.prev.next = h
	}
	s.last = h
}

// take removes and returns the lease with a number. The caller ends it and passes it
// to done. H is nil if it is not held; ok is false if it has another owner.
func (l *leases) take(number uint64, owner string) (h *held, ok bool) {
	s := &l.shards[number%leaseShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	h = s.byNumber[number]
	switch {
	case h == nil:
		return nil, true
	case h.owner != owner:
		return nil, false
	}
	s.drop(h)
	l.held.Add(-1)
	return h, true
}

// use calls do with the owner's lease with a number and keeps the lease. It reports
// whether the lease is held.
func (l *leases) use(number uint64, owner string, do func(*engine.Lease)) bool {
	s := &l.shards[number%leaseShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.byNumber[number]
	if h == nil || h.owner != owner {
		return false
	}
	do(&h.lease)
	return true
}

// drop removes a lease. Under the shard's mutex.
func (s *leaseShard) drop(h *held) {
	delete(s.byNumber, h.number)
	if h.prev == nil {
		s.first = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		s.last = h.prev
	} else {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
}

// done returns an ended lease's memory to the pool.
func done(h *held) { heldPool.Put(h) }

// known reports whether the number was given out.
func (l *leases) known(number uint64) bool { return number != 0 && number <= l.next.Load() }

// sweep settles expired leases at their reservation.
func (l *leases) sweep(now int64) {
	for i := range l.shards {
		s := &l.shards[i]
		for {
			s.mu.Lock()
			h := s.first
			if h == nil || h.expires > now {
				s.mu.Unlock()
				break
			}
			s.drop(h)
			l.held.Add(-1)
			s.mu.Unlock()
			h.lease.SettleReserved()
			l.expired.Add(1)
			done(h)
		}
	}
}

// names converts numbers into IDs that cannot be guessed, and back, by a permutation
// of 64 bits with a key of this process. An ID of another process is the ID of a
// lease here with a probability of 2^-64 per lease.
type names struct{ key [4]uint64 }

func newNames() names {
	var n names
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range n.key {
		n.key[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return n
}

const leaseIDLength = 18 // "l-" and 16 hexadecimal digits

// append appends the ID of a number, by a Feistel network of four rounds.
func (n *names) append(dst []byte, number uint64) []byte {
	hi, lo := uint32(number>>32), uint32(number)
	for _, k := range n.key {
		hi, lo = lo, hi^round(lo, k)
	}
	dst = append(dst, "l-"...)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[(uint64(hi)<<32|uint64(lo))>>shift&15])
	}
	return dst
}

// number returns the number of an ID; false if it is none.
func (n *names) number(id string) (uint64, bool) {
	if len(id) != leaseIDLength || id[:2] != "l-" {
		return 0, false
	}
	var mixed uint64
	for i := 2; i < leaseIDLength; i++ {
		c := id[i]
		switch {
		case c >= '0' && c <= '9':
			mixed = mixed<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			mixed = mixed<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	hi, lo := uint32(mixed>>32), uint32(mixed)
	for i := len(n.key) - 1; i >= 0; i-- {
		hi, lo = lo^round(hi, n.key[i]), hi
	}
	return uint64(hi)<<32 | uint64(lo), true
}

// round is the round function: the finalizer of MurmurHash3 over half an ID and a key.
func round(half uint32, key uint64) uint32 {
	z := uint64(half) ^ key
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return uint32(z ^ z>>33)
}
