package engine

// TryAcquire chooses a deployment, counts the request and reserves its tokens, all
// within the limits. False: the demand fits on no deployment, or is invalid;
// Acquire returns which. End the lease with Settle, SettleReserved or Release.
func (g *Group) TryAcquire(d Demand) (lease Lease, ok bool) {
	ok = g.tryAcquire(&lease, &d) // TryAcquire is inlined, so that the caller's lease is filled in place
	return
}

func (g *Group) tryAcquire(l *Lease, d *Demand) bool {
	if g.acquire(&l.admission, d, false); l.h == nil {
		return false
	}
	if l.h.noting.Load() {
		l.mark = l.noted()
	}
	return true
}

// Acquire is TryAcquire with the reason for a refusal: [ErrInvalidDemand],
// [ErrNoCandidate] or a [*LimitError]. It does not block.
func (g *Group) Acquire(d Demand) (Lease, error) {
	var a admission
	if v := g.acquire(&a, &d, true); a.h == nil {
		return g.acquireOrExplain(&d, v, false)
	}
	return a.lease(), nil
}

// declined counts a demand that is finally refused. Waited is set if it has waited for a
// grant.
func (g *Group) declined(d *Demand, v decision, waited bool) {
	g = g.alive()
	g.countRefusal(v)
	if waited {
		g.waitedInVain()
	} else {
		missed(&g.owner, d, v)
	}
}

// acquireOrExplain returns the reason of a refused attempt, or a lease if the demand fits by
// now. Waited is set if the demand has waited for a grant.
func (g *Group) acquireOrExplain(d *Demand, v decision, waited bool) (Lease, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, true, try == rechecks); err != nil {
			g.declined(d, v, waited)
			return Lease{}, err
		}
		var got admission
		if v = g.acquire(&got, d, true); got.h != nil {
			return got.lease(), nil
		}
	}
}

// pickOrExplain is acquireOrExplain for Pick.
func (g *Group) pickOrExplain(d *Demand, v decision) (Ref, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, false, try == rechecks); err != nil {
			g.declined(d, v, false)
			return Ref{}, err
		}
		var r Ref
		if r, v = g.pick(d, true); r.h != nil {
			return r, nil
		}
	}
}
