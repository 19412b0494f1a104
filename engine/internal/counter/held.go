package counter

import "sync/atomic"

// Held counts the tokens that leases hold, by the slot in which they began. A word is
// [slot:20][tokens:44]. The first lease that begins in a slot opens its word.
// The count is only shown: a goroutine that is suspended for 16 slots may miscount.
type Held [slots]atomic.Int64

// Add adds tokens, which may be negative, to those that leases of a slot hold.
func (h *Held) Add(slot, tokens int64) {
	w := &h[slot&(slots-1)]
	for {
		v := w.Load()
		from := v
		if after := (slot - v>>limitBits) & tagMask; after != 0 {
			if tokens < 0 || after > tagMask/2 && v&limitValue != 0 {
				return // the lease has expired long ago
			}
			from = (slot & tagMask) << limitBits
		}
		if w.CompareAndSwap(v, from&^limitValue|min(max(from&limitValue+tokens, 0), Max)) {
			return
		}
	}
}

// Sum returns the tokens held by leases of slots up to ttl before the current one.
func (h *Held) Sum(slot, ttl int64) (tokens int64) {
	for k := slot - ttl; k <= slot; k++ {
		if v := h[k&(slots-1)].Load(); (v>>limitBits^k)&tagMask == 0 {
			tokens += v & limitValue
		}
	}
	return tokens
}
