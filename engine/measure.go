package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// measure returns the meters of a deployment, with the counters of those there
// were, or of its pool; own is the deployment as configured, without the limits
// that its provider reported. New ones begin in the window of an epoch and an instant.
// Nil: none.
func (ms *meters) measure(d, own *Deployment, clock *window.Clock, pool *pool, epoch, now int64) *meters {
	n := &meters{most: unbounded, rates: d.Profile.Rates().WithDefaultMax(d.DefaultMaxOutput), pool: pool}
	if n.rated = d.Profile.Admit != provider.AdmitExpected || !n.rates.Plain() || n.rates.Stands(); n.rated {
		n.kinds = isRated
	}
	for i, k := range meterKinds {
		rule, plain := k.rule(&d.Profile)
		if plain && (pool == nil || k.parts) {
			continue
		}
		limit := k.limit(d)
		m := meter{
			meterRule: rule, dim: k.dim, why: k.why, limit: limit, most: capOf(limit), configured: capOf(k.limit(own)), inverse: invert(capOf(limit)),
			bit: 1 << (meteredKinds + i),
		}
		var o *meter
		carried := false
		if pool != nil {
			m.meterRule = rule.pooled()
			o = pool.counter(m.bit, m.meterRule)
		} else if ms.pooled() == nil || !rule.timed() { // else its counter is the pool's
			o = ms.find(m.bit, rule)
		}
		if o == nil && limit != 0 {
			o = &meter{}
			if m.bucket {
				o.b = window.NewBucket(now, m.most, time.Minute)
			} else {
				o.c = window.NewMeter(m.window(epoch, now), m.most)
			}
			if old := ms.shifted(m.bit, rule); old != nil && pool == nil {
				o.c.AddNow(old.used(now)) // it began at another instant: in doubt all of it is in this window
				carried = true
			}
			if m.c, m.b = o.c, o.b; pool != nil {
				pool.add(m)
			}
		}
		if o != nil && (limit != 0 || !m.bucket) {
			m.c, m.b = o.c, o.b
			if !carried {
				m.since = ms.since(&m, now)
			}
			n.add(m, clock)
		}
		switch {
		case m.timed() && m.dim < splits:
			n.keep(ms.find(m.bit, meterRule{}), m, meterRule{}, epoch)
		case m.byDay:
			n.keep(ms.find(m.bit, rule), m, rule, epoch)
		}
	}
	if n.kinds == 0 {
		return nil
	}
	n.minute = n.minuteOf()
	return n
}

// since returns when a deployment began to count a kind in a meter's counter, if
// leases may have counted it in another one before; else 0.
func (ms *meters) since(m *meter, now int64) (begun int64) {
	for i := range ms.len() {
		if o := &ms.list[i]; o.bit == m.bit {
			if o.c == m.c && o.b == m.b {
				return o.since
			}
			begun = now
		}
	}
	return begun
}

func (ms *meters) add(m meter, clock *window.Clock) {
	if m.bucket {
		m.inverse = invert(m.b.Whole())
	}
	if m.timed() {
		ms.clock = clock
	}
	if m.length != 0 {
		m.turns, m.rest = m.phase/m.length, m.phase%m.length
	}
	if m.most > 0 {
		ms.most[m.dim] = min(ms.most[m.dim], m.most)
	}
	ms.kinds |= m.bit
	ms.list = append(ms.list, m)
}

// keep adds the count by UTC minutes or days that nodes exchange of a limit that
// another meter has: a meter without a limit, which only a ceiling bounds.
func (ms *meters) keep(old *meter, m meter, rule meterRule, epoch int64) {
	own := meter{dim: m.dim, why: m.why, bit: m.bit, most: window.Max, configured: window.Max, meterRule: rule}
	switch {
	case old != nil:
		own.c = old.c
	case m.limit == 0:
		return
	default:
		own.c = window.NewMeter(own.window(epoch, 0), window.Max)
	}
	ms.add(own, nil)
}

// find returns the meter of a kind, if it has that rule.
func (ms *meters) find(bit metered, r meterRule) *meter {
	if ms == nil {
		return nil
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.bit == bit && m.meterRule == r {
			return m
		}
	}
	return nil
}

// shifted returns the meter of a kind, if its rule is that but for the phase.
func (ms *meters) shifted(bit metered, r meterRule) *meter {
	if ms == nil || r.length == 0 || ms.pool != nil {
		return nil
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.bit == bit && m.length == r.length {
			return m
		}
	}
	return nil
}
