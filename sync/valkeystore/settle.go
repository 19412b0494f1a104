package valkeystore

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// settle notes what the server is known to have now. It needs the reply of the
// batch that call carried.
func (b *bucket) settle(c *call, batch *syncer.Batch, r *syncer.Reply, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.PrevMissing || batch.Generation != 0 && r.Generation != batch.Generation {
		b.forget() // keys may have gone, and come again without their TTL
	}
	lost := r.Duplicate || r.PrevMissing || r.Generation != batch.Generation
	if !r.Duplicate {
		b.debt = b.debt[:copy(b.debt, b.debt[min(c.paid, len(b.debt)):])]
		if c.renews {
			b.refreshed = now
		}
		if !c.registered.IsZero() {
			b.register(batch.Node, c.registered)
		}
		if r.Nodes > 0 {
			b.live, b.liveAt = r.Nodes, now
		}
	}
	for i, d := range batch.Deltas {
		if c.due[i] != 0 {
			b.touch(d.ID, d.Start, c.due[i])
		}
		if bare := changed(d) &^ c.due[i]; bare != 0 && (lost || created(d, r.Totals[i], bare)) {
			b.owe(d)
		}
	}
}

// changed returns which counters a delta changes.
func changed(d window.Tally) (which uint8) {
	if d.Tokens != 0 {
		which |= tokensTouched
	}
	if d.Requests != 0 {
		which |= requestsTouched
	}
	return which
}

// created reports whether a delta may have made one of the counters named: its
// total is then the delta itself.
func created(d, total window.Tally, which uint8) bool {
	return which&tokensTouched != 0 && total.Tokens == d.Tokens ||
		which&requestsTouched != 0 && total.Requests == d.Requests
}

// alive returns how many nodes used the bucket lately; 0 = not known.
func (b *bucket) alive(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.liveAt) > nodeTTL {
		return 0
	}
	return b.live
}
