package engine

import (
	"context"
	"errors"
	"math"
	"time"
)

// defaultWaiters is how many may wait in a group unless configured.
const defaultWaiters = 1024

// Wait is Acquire that waits for room: for a lease to end, a cooldown to be
// over, the next minute. Those who wait are served by class, then in the order they
// came; one whose demand does not fit lets those behind it go first whose demands do;
// in a new minute it is the first again. Acquire and TryAcquire do not stand in
// line: they take what room there is.
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
	if g.line.n.Load() == 0 {
		got, m, v := g.acquire(&d, true)
		if got.h != nil {
			return got.lease(m), nil
		}
		if v.why == whyInvalid {
			return Lease{}, g.e.invalidity(&d)
		}
	}
	return g.wait(ctx, d)
}

func (g *Group) wait(ctx context.Context, d Demand) (Lease, error) {
	for {
		w := &waiter{d: &d, wake: make(chan struct{}, 1)}
		for done := g.join(w); !done; {
			var err error
			if done, err = g.attend(ctx, w); err != nil {
				return Lease{}, err
			}
		}
		h := g.heir()
		if h == nil || !errors.Is(w.err, ErrNoCandidate) {
			return w.got.lease(w.metered), w.err
		}
		g = h // the group was dropped and is there again
	}
}

// join puts a waiter in line and serves everyone. If that leaves too many, the
// waiter goes. It reports whether the waiter is done.
func (g *Group) join(w *waiter) bool {
	l := g.line
	l.mu.Lock()
	defer l.mu.Unlock()
	l.join(w)
	g.serve(w)
	if w.done {
		return true
	}
	part, _ := g.e.part(w.d.Priority)
	if most := max(part.Of(g.e.maxWaiters.Load()), 1); l.n.Load() > most {
		g.e.turnedAway.Add(1)
		l.leave(w, grant{}, &queueError{g.name, most})
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
	case <-l.bell:
	case <-l.timer.C:
		fired = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n.Load() != 0 && (!fired || l.timer.Due()) {
		g.serve(nil)
	}
	return w.done, nil
}

// abandon takes out a waiter whose context has ended, and gives back what it may
// have got.
func (g *Group) abandon(ctx context.Context, w *waiter) error {
	l := g.line
	l.mu.Lock()
	if !w.done {
		l.leave(w, grant{}, nil)
	}
	l.mu.Unlock()
	g.e.gaveUp.Add(1)
	if w.got.h != nil {
		lease := w.got.lease(w.metered)
		lease.Release()
	}
	return ctx.Err()
}

// serve admits everyone in line who fits, in order, and sets the timer to when
// the next one may fit if nothing happens before; fresh has just joined, or nil.
// Under the line's mutex.
func (g *Group) serve(fresh *waiter) {
	l := g.line
	judge := l.judge.Swap(false)
	at := int64(math.MaxInt64)
	var b bars
	for w := l.first; w != nil; {
		next := w.next
		if judge || w == fresh || !b.cover(w.d) {
			at = min(at, g.offer(w, &b))
		}
		w = next
	}
	if l.first == nil {
		return
	}
	if l.timer == nil {
		l.timer = g.clock.Timer()
	}
	l.timer.Set(min(at, g.cur.Load().wake.Load()))
}

// offer admits a waiter, or dismisses it if it waits in vain. Otherwise it adds
// to the bars and returns when the clock alone may change that.
func (g *Group) offer(w *waiter, b *bars) (at int64) {
	l := g.line
	got, m, c := g.acquire(w.d, true)
	if got.h != nil {
		w.metered = m
		g.e.waited.Add(1)
		l.leave(w, got, nil)
		return math.MaxInt64
	}
	if c.why != whyInvalid {
		var hopeless bool
		if at, hopeless = g.outlook(w.d); !hopeless {
			b.add(w.d)
			return at
		}
	}
	err := g.refusal(w.d, c, true, true)
	var limited *LimitError
	if errors.As(err, &limited) && !limited.Never { // that has changed meanwhile
		l.ring()
		return math.MaxInt64
	}
	l.leave(w, grant{}, err)
	return math.MaxInt64
}

// outlook returns when a demand that does not fit may do so if nothing happens,
// as far as that is known, and whether no waiting helps.
func (g *Group) outlook(d *Demand) (at int64, hopeless bool) {
	var q ask
	g.ask(&q, d, true)
	l := filter{demand: d}
	q.filter = &l
	now := g.clock.Read()
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(now)
	l.resolve(f)
	at, hopeless = math.MaxInt64, true
	for i := range f.candidates() {
		if !q.allows(f, i) {
			continue
		}
		w := f.wait(i, q.amountsOn(f.handles[i], f.metersOf(i)), q.part, true, now)
		hopeless = hopeless && w.never
		switch {
		case w.never || w.limit == LimitNone || w.limit == LimitInFlight: // the bell will ring
		case w.after < math.MaxInt64-time.Duration(now):
			at = min(at, now+int64(w.after))
		}
	}
	return at, hopeless
}
