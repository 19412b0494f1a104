package valkeystore

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// settle updates the bucket by the reply to the batch of c: the keys that the
// server has, and their TTLs.
func (b *bucket) settle(c *call, batch *syncer.Batch, r *syncer.Reply, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	other := r.Generation != batch.Generation || r.Epoch != batch.Epoch
	if r.PrevMissing || other && (batch.Generation != 0 || batch.Epoch != 0) {
		b.forget() // keys may have been lost, and created again without a TTL
	}
	lost := r.Duplicate || r.PrevMissing || other
	if !r.Duplicate {
		b.debt = b.debt[:copy(b.debt, b.debt[min(c.paid, len(b.debt)):])]
		if c.renews {
			b.refreshed = now
		}
		if !c.registered.IsZero() {
			b.register(batch.Node, batch.Modes, c.registered)
		}
		if r.Nodes > 0 {
			b.live, b.liveAt = r.Nodes, now
		}
	}
	for i := range batch.Deltas {
		d := &batch.Deltas[i]
		if c.due[i] != 0 {
			b.touch(d, c.due[i])
		}
		if bare := changed(d) &^ c.due[i]; bare != 0 && (lost || created(d, &r.Totals[i], bare)) {
			b.owe(batch.Epoch, d, bare)
		}
	}
}

// alive returns the number of nodes that have recently used the bucket; 0 = not
// known.
func (b *bucket) alive(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.liveAt) > nodeTTL {
		return 0
	}
	return b.live
}
