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
// A slot's word is [turn:2][limited:1][leases:18][tokens:43]. The turn tells the
// slot from the one that was there before it; limited says that its leases are
// in live too, which a limit on leases needs and which, once begun, goes on.
type flight struct {
	slots [flightSlots]atomic.Uint64
	live  atomic.Int64 // leases of limited slots, and attempts under way
	cap   atomic.Int64 // window.Max = no limit
	// limited is set before any slot is; new slots are born with it.
	limited atomic.Bool
	expired atomic.Int64
	lasts   atomic.Int64 // how long leases have lasted, ns, where they are limited; 0 = none has ended
}

const (
	flightSlots  = 16
	flightTokens = uint64(1)<<43 - 1
	flightLease  = flightTokens + 1
	flightLeases = 1<<18 - 1
	flightLimit  = uint64(1) << 61
	flightTurn   = uint64(1) << 62
)

func leasesIn(w uint64) uint64 { return w / flightLease & flightLeases }

// turnOf splits a slot number (epoch / minutes per slot) into ring index and
// turn.
func turnOf(n int64) (i int, turn uint64) {
	return int(n & (flightSlots - 1)), uint64(n) / flightSlots * flightTurn
}

// reserve takes one lease under a part of the limit, before it is entered.
func (f *flight) reserve(p window.Part) bool {
	for {
		n := f.live.Load()
		if n >= p.Of(f.cap.Load()) {
			return false
		}
		if f.live.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// enter counts a lease of tokens acquired in slot n; reserved says that live
// has it already. It returns the tokens counted, which are fewer in a slot that
// holds 2^43; uncounted if the slot holds 2^18 leases, and one more is not, or
// if slot n is over ttl slots old, because the caller was suspended that long.
func (f *flight) enter(h *handle, n, tokens int64, reserved bool) int64 {
	i, turn := turnOf(n)
	s := &f.slots[i]
	for {
		o := s.Load()
		w, wiped := o, uint64(0)
		outlived := false
		if o&^(flightTurn-1) != turn { // the slot's turn begins, or is over
			outlived = h.outlived(n)
			wiped = leasesIn(o) // entered past their own expiry
			if w = turn; f.limited.Load() {
				w |= flightLimit
			}
		}
		if outlived || leasesIn(w) == flightLeases {
			if reserved {
				f.live.Add(-1)
			}
			f.expired.Add(1)
			return uncounted
		}
		held := min(uint64(tokens), flightTokens-w&flightTokens)
		if s.CompareAndSwap(o, w+flightLease+held) {
			if wiped != 0 {
				f.lost(o)
			}
			if w&flightLimit != 0 && !reserved {
				f.live.Add(1)
			}
			return int64(held)
		}
	}
}

// exit ends a lease of slot n that holds tokens. False: it had expired.
func (f *flight) exit(n, tokens int64) bool {
	i, turn := turnOf(n)
	s := &f.slots[i]
	for {
		o := s.Load()
		if o&^(flightTurn-1) != turn || leasesIn(o) == 0 {
			return false
		}
		if s.CompareAndSwap(o, o-flightLease-min(uint64(tokens), o&flightTokens)) {
			if o&flightLimit != 0 {
				f.live.Add(-1)
			}
			return true
		}
	}
}

// grow adds tokens to what a lease of slot n holds, and returns how many fit.
func (f *flight) grow(n, tokens int64) int64 {
	i, turn := turnOf(n)
	s := &f.slots[i]
	for {
		o := s.Load()
		if o&^(flightTurn-1) != turn {
			return 0
		}
		add := min(uint64(tokens), flightTokens-o&flightTokens)
		if s.CompareAndSwap(o, o+add) {
			return int64(add)
		}
	}
}

// expire drops the slots that grow older than ttl when slot n follows slot from.
// One caller at a time.
func (f *flight) expire(from, n, ttl int64) {
	if n-from > ttl {
		for i := range f.slots {
			f.drop(&f.slots[i], f.slots[i].Load()&^(flightTurn-1)+flightTurn)
		}
		return
	}
	for k := from - ttl; k < n-ttl; k++ {
		i, turn := turnOf(k)
		if f.slots[i].Load()&^(flightTurn-1) == turn {
			f.drop(&f.slots[i], turn+flightTurn)
		}
	}
}

// drop expires a slot and gives it the turn to come, in which late leases do not
// find themselves.
func (f *flight) drop(s *atomic.Uint64, turn uint64) {
	for {
		o := s.Load()
		if leasesIn(o) == 0 {
			return
		}
		w := turn
		if f.limited.Load() {
			w |= flightLimit
		}
		if s.CompareAndSwap(o, w) {
			f.lost(o)
			return
		}
	}
}

// lost counts the leases of a slot's last word as expired.
func (f *flight) lost(o uint64) {
	n := int64(leasesIn(o))
	f.expired.Add(n)
	if o&flightLimit != 0 {
		f.live.Add(-n)
	}
}

// outlived reports whether leases of slot n have expired.
func (h *handle) outlived(n int64) bool {
	f, _ := h.find(now)
	return f == nil || h.e.slot(f.Epoch)-n > h.e.slotTTL
}

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
			o := s.Load()
			if s.CompareAndSwap(o, o|flightLimit) {
				f.live.Add(int64(leasesIn(o)))
				break
			}
		}
	}
}

// count returns the leases held and the tokens they hold.
func (f *flight) count() (leases, tokens int64) {
	for i := range f.slots {
		w := f.slots[i].Load()
		leases += int64(leasesIn(w))
		tokens += int64(w & flightTokens)
	}
	return leases, tokens
}

// guessedLast is how long leases are assumed to last until one has ended.
const guessedLast = int64(time.Second)

// learn takes in how long a lease has lasted: the first one as it is, from then on an
// eighth of the difference. A time set back counts as none.
func (f *flight) learn(lasted int64) {
	lasted = max(lasted, int64(leastRetry))
	for {
		o := f.lasts.Load()
		n := lasted
		if o != 0 {
			n = max(o+(lasted-o)/8, 1)
		}
		if f.lasts.CompareAndSwap(o, n) {
			return
		}
	}
}

// roomIn estimates when fewer than most leases are held: they end as evenly as if
// each lasted as long as the latest have, at most their TTL.
func (f *flight) roomIn(most int64, ttl time.Duration) time.Duration {
	held := max(f.live.Load(), 1)
	lasts := min(f.lasts.Load(), int64(ttl))
	if lasts == 0 {
		lasts = guessedLast
	}
	ends := min(max(held-most+1, 1), held)
	return max(time.Duration(float64(lasts)*float64(ends)/float64(held)), leastRetry)
}
