package engine

import (
	"context"
	"errors"
	"fmt"
)

// Wait is Acquire that waits for room: until a lease ends, a limit refills, a
// cooldown is over or a minute begins. Waiters are served by class, then in the
// order they came. A waiter whose demand does not fit lets later ones whose demands
// do fit go first. In a new minute it is the first again. Where limits refill
// continuously, later ones could keep it waiting for good: once the first of a
// class has waited 1.5 times as long as it would have waited alone, the deployment
// that has room for it first is held for it, and later waiters of its class, or of
// a less important one, go to other deployments until it has been served.
//
// Acquire and TryAcquire do not stand in line: they take what room there is, also
// where it is held for a waiter. A caller that wants the order uses Wait throughout.
//
// It returns ctx.Err() when ctx ends first, [ErrQueueFull] when there is no room
// and [Config.MaxWaiters] wait already, [ErrInvalidDemand], [ErrNoCandidate],
// also when the group is dropped, and a [*LimitError] with Never set as soon as
// no waiting helps: at once, or after an Apply or a SetEnabled. Whatever the
// error, nothing stays reserved.
//
// Waiting starts no goroutine, and where there is room nothing is allocated.
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
	if q := (ask{}); !g.ask(&q, &d, true) {
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
		g = h // the group was dropped and is there again
	}
}

// join puts a waiter in line and serves it, after everyone if a service is due. If
// that leaves too many, the waiter goes. It reports whether the waiter is done.
func (g *Group) join(w *waiter) bool {
	l := g.line
	l.mu.Lock()
	defer l.mu.Unlock()
	g.reprice()
	l.join(w, g.price(w.d, &l.pricing))
	now := g.clock.Read()
	switch {
	case l.ringing(now):
		g.serve()
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

// attend waits until something happens, and serves everyone unless that was w's
// own turn. It reports whether w is done; the error is ctx's, and w has left.
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
		g.serve()
	}
	return w.done, nil
}

// abandon takes out a waiter whose context has ended, and gives back what it may
// have got.
func (g *Group) abandon(ctx context.Context, w *waiter) error {
	l := g.line
	l.mu.Lock()
	if !w.done {
		l.leave(w, admission{}, nil)
		if w.holds {
			l.Ring() // for those whom that kept waiting
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
