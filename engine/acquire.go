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
		g.wants.vain.Add(1) // the next Want does not count it as missed, because it waits again if it comes back
	} else {
		missed(&g.owner, d, v)
	}
}

// acquireOrExplain returns the reason of a refused attempt, or a lease if the demand fits by
// now. Waited is set if the demand has waited for a grant.
func (g *Group) acquireOrExplain(d *Demand, v decision, waited bool) (Lease, error) {
	var got admission
	err := g.orExplain(d, v, true, waited, func() (decision, bool) {
		v := g.acquire(&got, d, true)
		return v, got.h != nil
	})
	return got.lease(), err
}

// pickOrExplain is acquireOrExplain for Pick.
func (g *Group) pickOrExplain(d *Demand, v decision) (r Ref, err error) {
	err = g.orExplain(d, v, false, false, func() (v decision, ok bool) {
		r, v = g.pick(d, true)
		return v, r.h != nil
	})
	return r, err
}

// orExplain tries a refused demand again while it fits by the time its refusal is explained.
// Otherwise it counts the refusal and returns its reason.
func (g *Group) orExplain(d *Demand, v decision, learn, waited bool, again func() (decision, bool)) error {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, learn, try == rechecks); err != nil {
			g.declined(d, v, waited)
			return err
		}
		var ok bool
		if v, ok = again(); ok {
			return nil
		}
	}
}
