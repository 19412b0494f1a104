package engine

import (
	"context"
	"errors"
	"time"
)

// GrantWithin says for how long [Group.AcquireGranted] waits: about as long as a syncer
// needs to obtain more for this node from the store. 0 or less = it does not wait, because
// there is no such syncer or its store is away. The syncer calls it. Safe for concurrent use.
func (e *Engine) GrantWithin(d time.Duration) { e.grantWithin.Store(int64(max(d, 0))) }

// AcquireGranted is Acquire that waits for a grant: where ceilings and no limit refuse the
// demand, it waits as Wait does, for a few round trips to the store that the nodes share at
// most (see [Engine.GrantWithin]). Where limits are kept together without grants it is
// Acquire. When no grant comes in time it returns the refusal of Acquire, when ctx ends
// first ctx.Err().
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
		return g.acquireOrExplain(&d, v) // room has come since
	}
	if limited, ok := errors.AsType[*LimitError](err); !ok || limited.Limit != LimitShare || limited.Never {
		g.alive().countRefusal(v) // no grant would have helped, so that none was missed
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
	return g.acquireOr(&d, v, true)
}
