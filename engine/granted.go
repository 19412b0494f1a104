package engine

import (
	"context"
	"errors"
	"time"
)

// GrantWithin sets for how long [Group.AcquireGranted] waits: about as long as a syncer
// needs to obtain a larger grant for this node from the store. 0 or less, the initial value =
// AcquireGranted does not wait, because no syncer obtains grants or its store is unreachable. The
// syncer calls it. Safe for concurrent use.
func (e *Engine) GrantWithin(d time.Duration) { e.grantWithin.Store(int64(max(d, 0))) }

// AcquireGranted is Acquire that waits for a grant. If ceilings and no limit refuse the
// demand, it waits as Wait does, for at most a few round trips to the store that the nodes
// share (see [Engine.GrantWithin]). If nodes do not hold limits by grants it is
// Acquire. If no grant is received in time it returns the refusal of Acquire; if ctx ends
// first, ctx.Err().
func (g *Group) AcquireGranted(ctx context.Context, d Demand) (lease Lease, err error) {
	within := time.Duration(g.e.grantWithin.Load())
	if within == 0 {
		return g.Acquire(d)
	}
	var a admission
	v := g.acquire(&a, &d, true)
	if a.h != nil {
		return a.lease(), nil
	}
	if err = g.refusal(&d, v, true, false); err == nil {
		return g.acquireOrExplain(&d, v, false) // the demand fits by now
	}
	if limited, ok := errors.AsType[*LimitError](err); !ok || limited.Limit != LimitShare || limited.Never {
		g.alive().countRefusal(v) // no grant would have helped, so that Want must not report the demand
		return
	}
	soon, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if lease, err = g.Wait(soon, d); err == nil {
		return
	}
	if err = ctx.Err(); err != nil {
		return
	}
	if v = g.acquire(&a, &d, true); a.h != nil {
		return a.lease(), nil
	}
	return g.acquireOrExplain(&d, v, true)
}
