package engine

import (
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// flight counts the leases held on a deployment, by when they were acquired: a
// ring of slots, each of one or more minutes. A slot that grows older than the
// leases' TTL is expired, and what is left in it no longer counts.
//
// A slot's word is [generation:11][limited:1][held:26][settled:26]. The
// generation tells a slot's turn from its next one; limited says that the
// leases of this slot are in live too, which a limit on leases needs and which,
// once begun, goes on.
type flight struct {
	slots [flightSlots]slot
	live  atomic.Int64 // leases of limited slots, and attempts under way
	cap   atomic.Int64 // window.Max = no limit
	// limited is set before any slot is; new slots are born with it.
	limited atomic.Bool
	settled atomic.Int64 // of slots that have expired or run over
	expired atomic.Int64
}

type slot struct {
	word atomic.Uint64
	held atomic.Int64 // tokens reserved by the leases held
}

const (
	flightSlots = 16
	flightBits  = 26
	flightOne   = uint64(1) << flightBits // one lease held; settled is below
	flightMask  = flightOne - 1
	flightLimit = uint64(1) << (2 * flightBits)
	flightGen   = flightLimit << 1
)

func heldIn(w uint64) uint64 { return w >> flightBits & flightMask }

// turnOf splits a slot number (epoch / minutes per slot) into ring index and
// generation.
func turnOf(n int64) (i int, gen uint64) {
	return int(n & (flightSlots - 1)), uint64(n) / flightSlots * flightGen
}

// reserve takes one lease under the limit, before it is entered.
func (f *flight) reserve() bool {
	for {
		n := f.live.Load()
		if n >= f.cap.Load() {
			return false
		}
		if f.live.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// enter counts a lease of tokens acquired in slot n; reserved says that live
// has it already. False: the slot is full (2^26 leases) and the lease uncounted.
func (f *flight) enter(n, tokens int64, reserved bool) bool {
	i, gen := turnOf(n)
	s := &f.slots[i]
	for {
		o := s.word.Load()
		w := o + flightOne
		if o&^(flightGen-1) != gen {
			w = gen | flightOne
			if f.limited.Load() {
				w |= flightLimit
			}
		} else if heldIn(o) == flightMask {
			if reserved {
				f.live.Add(-1)
			}
			return false
		}
		if s.word.CompareAndSwap(o, w) {
			if w&flightLimit != 0 && !reserved {
				f.live.Add(1)
			}
			if o&^(flightGen-1) != gen {
				f.settled.Add(int64(o & flightMask))
			}
			s.held.Add(tokens)
			return true
		}
	}
}

// exit ends a lease of slot n that holds tokens. False: it had expired.
func (f *flight) exit(n, tokens int64, settled bool) bool {
	i, gen := turnOf(n)
	s := &f.slots[i]
	for {
		o := s.word.Load()
		if o&^(flightGen-1) != gen || heldIn(o) == 0 {
			return false
		}
		w := o - flightOne
		over := false
		if settled {
			if over = w&flightMask == flightMask; over {
				w &^= flightMask
			} else {
				w++
			}
		}
		if s.word.CompareAndSwap(o, w) {
			if over {
				f.settled.Add(flightOneSettled)
			}
			if w&flightLimit != 0 {
				f.live.Add(-1)
			}
			s.held.Add(-tokens)
			return true
		}
	}
}

const flightOneSettled = int64(flightMask) + 1

// grow adds tokens to what a lease of slot n holds.
func (f *flight) grow(n, tokens int64) {
	i, gen := turnOf(n)
	if s := &f.slots[i]; s.word.Load()&^(flightGen-1) == gen {
		s.held.Add(tokens)
	}
}

// expire drops the slots older than n-ttl. One caller at a time.
func (f *flight) expire(n, ttl int64) {
	for i := range f.slots {
		s := &f.slots[i]
		for {
			o := s.word.Load()
			age := (n - slotNumber(i, o)) & (1<<15 - 1)
			if o&(flightLimit-1) == 0 || age <= ttl || age >= 1<<14 {
				break
			}
			// The next turn's generation: late leases do not find themselves.
			_, gen := turnOf(slotNumber(i, o) + flightSlots)
			w := gen
			if f.limited.Load() {
				w |= flightLimit
			}
			if s.word.CompareAndSwap(o, w) {
				held := int64(heldIn(o))
				f.settled.Add(int64(o & flightMask))
				f.expired.Add(held)
				if o&flightLimit != 0 {
					f.live.Add(-held)
				}
				s.held.Store(0)
				break
			}
		}
	}
}

// slotNumber returns a slot's number modulo 2^15.
func slotNumber(i int, w uint64) int64 { return int64(w/flightGen)*flightSlots + int64(i) }

// limit sets the most leases held at once; window.Max = no limit. Leases held
// already are counted from the first limit on. One caller at a time.
func (f *flight) limit(n int64) {
	f.cap.Store(n)
	if n >= window.Max || f.limited.Load() {
		return
	}
	f.limited.Store(true)
	for i := range f.slots {
		s := &f.slots[i]
		for {
			o := s.word.Load()
			if o&flightLimit != 0 || s.word.CompareAndSwap(o, o|flightLimit) {
				if o&flightLimit == 0 {
					f.live.Add(int64(heldIn(o)))
				}
				break
			}
		}
	}
}

// count returns the leases held, the tokens they hold, and how many leases have
// been settled and have expired.
func (f *flight) count() (held, tokens, settled, expired int64) {
	for i := range f.slots {
		w := f.slots[i].word.Load()
		held += int64(heldIn(w))
		settled += int64(w & flightMask)
		tokens += max(f.slots[i].held.Load(), 0)
	}
	return held, tokens, settled + f.settled.Load(), f.expired.Load()
}

// nextExit estimates when a lease will end, from the rate at which those still
// in the ring have; if none has, as long again as the oldest may have lasted.
// Slots are of span minutes, the present one is n.
func (f *flight) nextExit(n, span, now int64) time.Duration {
	var settled, oldest int64
	for i := range f.slots {
		w := f.slots[i].word.Load()
		if w&(flightLimit-1) == 0 {
			continue
		}
		settled += int64(w & flightMask)
		oldest = max(oldest, (n-slotNumber(i, w))&(1<<15-1))
	}
	elapsed := max(now-window.Start((n-oldest)*span), int64(time.Millisecond))
	return max(time.Duration(elapsed/max(settled, 1)), time.Millisecond)
}
