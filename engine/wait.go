package engine

import (
	"context"
	"errors"
	"fmt"
)

// Wait is Acquire that waits until the demand fits: until a lease ends, a limit refills, a
// cooldown ends or a minute begins. Waiters are served by class, then in the
// order of arrival. A waiter whose demand does not fit lets later ones whose demands
// fit pass. In a new minute it is the first again. If limits refill
// continuously, later waiters could pass it for ever. Therefore, once the first of a
// class has waited 1.5 times as long as it would have waited alone, the deployment
// on which it fits first is held for it. Later waiters of its class, or of
// a less important one, go to other deployments until it has been served.
//
// Acquire and TryAcquire do not queue: they are admitted wherever they fit, also on a
// deployment that is held for a waiter. A gateway that needs the order uses Wait for all requests.
//
// Wait returns ctx.Err() if ctx ends first; [ErrQueueFull] if the demand does not fit
// and [Config.MaxWaiters] wait already; [ErrInvalidDemand]; [ErrNoCandidate],
// also if the group is dropped; and a [*LimitError] with Never set as soon as
// no waiting helps: at once, or after an Apply or a SetEnabled. With any
// error nothing stays reserved.
//
// Waiting starts no goroutine. If the demand fits at once, nothing is allocated.
func (g *Group) Wait(ctx context.Context, d Demand) (Lease, error) {
	if err := ctx.Err(); err != nil {
		return Lease{}, err
	}
	if g.line.Waiting.Load() == 0 {
		var got admission
		v := g.acquire(&got, &d, true)
		if got.h != nil {
			return got.lease(), nil
		}
		if v.why == whyInvalid {
			return Lease{}, d.invalidity(g.e)
		}
	}
	return g.wait(ctx, d)
}

func (g *Group) wait(ctx context.Context, d Demand) (Lease, error) {
	if q := (query{}); !g.fillQuery(&q, &d, true) {
		return Lease{}, d.invalidity(g.e)
	}
	for {
		w := &waiter{d: &d, wake: make(chan struct{}, 1)}
		for done := g.join(w); !done; {
			var err error
			if done, err = g.attend(ctx, w); err != nil {
				return Lease{}, err
			}
		}
		h := g.successor()
		if h == nil || !errors.Is(w.err, ErrNoCandidate) {
			return w.lease(), w.err
		}
		g = h // the group was dropped, and another one has its name now
	}
}

// join adds a waiter to the line. If a dispatch is due, it dispatches the whole line before the
// waiter. If too many wait then, the waiter leaves with ErrQueueFull. It reports whether the
// waiter is done.
func (g *Group) join(w *waiter) bool {
	l := g.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = g.clock.Timer()
	}
	g.reprice()
	l.join(w, g.price(w.d, &l.pricing))
	now := g.clock.Read()
	switch {
	case l.ringing(now):
		g.dispatch()
	case l.due(now):
		g.hold(now)
	}
	if !w.done {
		g.receive(w)
	}
	if w.done {
		return true
	}
	part, _ := g.e.part(w.d.Priority)
	if most := max(part.Of(g.e.maxWaiters.Load()), 1); l.Waiting.Load() > most {
		g.e.turnedAway.Add(1)
		l.leave(w, admission{}, fmt.Errorf("%w: %d requests wait in group %q already", ErrQueueFull, most, g.name))
	}
	return w.done
}

// attend sleeps until w is done, ctx ends, or the bell or the timer wakes this goroutine, which
// then serves the whole line (protocol 7). It reports whether w is done. The error is ctx's; w has
// left the line then.
func (g *Group) attend(ctx context.Context, w *waiter) (done bool, err error) {
	l := g.line
	fired := false
	select {
	case <-w.wake:
		return true, nil
	case <-ctx.Done():
		return true, g.abandon(ctx, w)
	case <-l.Rung:
	case <-l.timer.C:
		fired = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Waiting.Load() != 0 && (!fired || l.timer.Due()) {
		g.dispatch()
	}
	return w.done, nil
}

// abandon removes a waiter whose context has ended, and releases the lease that it may
// have been given meanwhile.
func (g *Group) abandon(ctx context.Context, w *waiter) error {
	l := g.line
	l.mu.Lock()
	if !w.done {
		l.leave(w, admission{}, nil)
		if w.holds {
			l.Ring() // for the waiters that were kept away from the deployment held for it
		}
	}
	l.mu.Unlock()
	g.e.gaveUp.Add(1)
	if w.got.h != nil {
		lease := w.lease()
		lease.Release()
	}
	return ctx.Err()
}
