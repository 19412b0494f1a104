package api

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// leases are those that clients hold, by ID. They are bounded in number, and an
// ended one takes no memory: IDs are a permutation of a counter, so that one
// that was given out and is not held any more is known to have ended.
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
	owner      string // name of the token it was given to; "" = there are no tokens
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

// reserve makes room for a lease. False: as many are held as may be.
func (l *leases) reserve() bool {
	if l.held.Add(1) > l.most {
		l.held.Add(-1)
		return false
	}
	return true
}

// unreserve gives back what reserve took.
func (l *leases) unreserve() { l.held.Add(-1) }

// keep gives a lease that reserve has made room for a number, and keeps it until
// take or the end of its time.
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

// take returns the lease of that number, and forgets it: it is the caller's to
// end, and to give to done. Nil: it is not held. Not ok: it is another owner's.
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

// use does something with an owner's lease of that number, which stays. It reports
// whether it is held.
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

// drop takes a lease out. Under the shard's mutex.
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

// done gives an ended lease's memory back.
func done(h *held) { heldPool.Put(h) }

// known reports whether that number was given out.
func (l *leases) known(number uint64) bool { return number != 0 && number <= l.next.Load() }

// sweep settles leases whose time is over at their reservation.
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

// names turns numbers into IDs that show nothing, and back: a permutation of 64
// bits with a key of this process's own, so that an ID of another process is, but
// for one in 2^64 per lease, no lease's.
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

// append appends the ID of a number: four Feistel rounds.
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

// round mixes half an ID: the finalizer of MurmurHash3 over it and a key.
func round(half uint32, key uint64) uint32 {
	z := uint64(half) ^ key
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return uint32(z ^ z>>33)
}
