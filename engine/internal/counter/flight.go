package counter

import "sync/atomic"

// slots is the number of slots of a flight: those of leases that still count, and
// the current one.
const slots = 16

// Flight counts the leases that have ended, by the slot in which they began (protocol 6). A slot
// is one or several minutes. The number of leases begun is the tag of the request words,
// which Fold adds up once the half of a minute is opened again. The leases held are the
// difference, modulo 2^18.
//
// A slot that is older than the leases' lifetime expires. A lease that ends later
// finds the number of another turn in the word.
//
// All methods except End and Undo are under the owner's mutex.
type Flight struct {
	ended [slots]atomic.Int64 // [slot/16:27][counted:1][leases:36]
	began [slots]int64        // in folded minutes, modulo 2^18
	total int64               // leases that ended in slots that have expired
	none  atomic.Int64        // ended leases that were attempts or shifts, and no leases
}

const (
	endedBits  = 36
	endedValue = int64(1)<<endedBits - 1
	// countedBit is set if a gauge that was added after the leases of the slot
	// began has counted them.
	countedBit = int64(1) << endedBits
	turnShift  = endedBits + 1
)

// Ending is the place of a lease in the order in which those of its slot have ended.
type Ending int64

// Counted reports whether a later gauge has counted the lease.
func (e Ending) Counted() bool { return int64(e)&countedBit != 0 }

// Before returns how many leases of the slot had ended before.
func (e Ending) Before() int64 { return int64(e) & endedValue }

// End ends a lease of a slot. Not ok: the lease has expired.
func (f *Flight) End(slot int64) (at Ending, ok bool) {
	s := &f.ended[slot&(slots-1)]
	for {
		v := s.Load()
		if v>>turnShift != slot>>4 {
			return 0, false
		}
		if s.CompareAndSwap(v, v&^endedValue|(v+1)&endedValue) {
			return Ending(v), true
		}
	}
}

// Undo ends what counts as a lease by its tag and was none. It increments none before ended,
// because with its last lease a deployment may be dropped (protocol 6).
func (f *Flight) Undo(slot int64) {
	f.none.Add(1)
	if _, ok := f.End(slot); !ok {
		f.none.Add(-1)
	}
}

// Ended returns how many leases have ended that had not expired.
func (f *Flight) Ended() int64 {
	n := f.total
	for i := range f.ended {
		n += f.ended[i].Load() & endedValue
	}
	return n - f.none.Load()
}

// Reset begins with no lease. Slot is the current one; it and the ttl slots before it are
// open.
func (f *Flight) Reset(slot, ttl int64) {
	for i := range f.ended {
		f.total += f.ended[i].Swap(0) & endedValue
	}
	for k := slot - ttl; k <= slot; k++ {
		f.ended[k&(slots-1)].Store(k >> 4 << turnShift)
		f.began[k&(slots-1)] = 0
	}
}

// Turn replaces the current slot, from, by the slot to, and expires the slots that are older
// than ttl. It returns how many leases were still held in these. The caller has
// folded the halves of past minutes before.
func (f *Flight) Turn(from, to, ttl int64) (expired int64) {
	if to <= from {
		return 0
	}
	for k := from - ttl; k <= min(from, to-ttl-1); k++ {
		s := &f.ended[k&(slots-1)]
		v := s.Load()
		if v>>turnShift != k>>4 {
			continue
		}
		for !s.CompareAndSwap(v, (k>>4+1)<<turnShift) { // the turn to come
			v = s.Load()
		}
		expired += (f.began[k&(slots-1)] - v) & leaseMask
		f.total += v & endedValue
		f.began[k&(slots-1)] = 0
	}
	for k := max(from+1, to-ttl); k <= to; k++ {
		Change(&f.ended[k&(slots-1)], k>>4<<turnShift) // the loop above has mostly stored it already
		f.began[k&(slots-1)] = 0
	}
	return expired
}

// Fold adds the leases that began in a minute of a slot, when the half of that minute is opened
// again.
func (f *Flight) Fold(slot, began int64) {
	if f.ended[slot&(slots-1)].Load()>>turnShift == slot>>4 {
		f.began[slot&(slots-1)] += began
	}
}

// Held returns how many leases of a slot are held. Began returns how many have begun in minutes
// that are not folded. Held calls it after it has loaded how many have ended, and again if
// that has changed since. Otherwise leases that begin and end meanwhile would count as held, or as
// ended alone (protocol 6).
func (f *Flight) Held(slot int64, began func(slot int64) int64) int64 {
	i := slot & (slots - 1)
	for try := 0; ; try++ {
		v := f.ended[i].Load()
		if v>>turnShift != slot>>4 {
			return 0
		}
		if n := began(slot); f.ended[i].Load() == v || try == heldTries {
			return (f.began[i] + n - v) & leaseMask
		}
	}
}

// heldTries is how often Held counts again. After that leases which began and ended meanwhile count
// as held.
const heldTries = 100

// Count is Held for a gauge that begins to count now. From now on End reports of these leases
// that they are counted. The caller ensures that no lease begins during the call.
func (f *Flight) Count(slot, began int64) int64 {
	i := slot & (slots - 1)
	for s := &f.ended[i]; ; {
		v := s.Load()
		if v>>turnShift != slot>>4 {
			return 0
		}
		if s.CompareAndSwap(v, v|countedBit) {
			return (f.began[i] + began - v) & leaseMask
		}
	}
}
