package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// The adjustment is what providers' figures have added to the count of a window that nodes
// exchange. It is never below zero: such a count must not fall below what the nodes have
// used, or refunds would lose counts. Other counts, those of buckets and of minutes
// with a phase, are set to the figures in both directions.

// correct sets the counters to the provider's figures: the usage that the provider reported
// when it answered the request, and what was charged since. Under the group's
// mutex. It reports whether usage went down.
//
// If a limit is the operator's own, below the provider's, figures only raise its count, so
// that no more is admitted than remains at the provider.
func (h *handle) correct(s *provider.Signal, m Mark, now int64) (freed bool) {
	c := correction{h: h, m: m, now: counter.At{Epoch: h.turned, Now: now}}
	c.At = c.now
	a, order := h.answers.Load(), h.latest(h.turned)
	if !m.none() {
		if order = m.order(); !follows(order, a.last.order()) {
			return false // the figures of a later request have been applied
		}
		c.At = counter.At{Epoch: m.epoch, Now: m.at()}
	}
	taken := false
	for l := range provider.AllLimits() {
		if !c.reads(l, s.Reading(l)) {
			continue
		}
		taken = true
		x := &a.ledger.figures[l]
		x.replace(order) // before since reads the charges, so that no lease refunds between the two
		var ok bool
		if c.since, ok = h.since(m); !ok && !m.none() {
			return freed // the mark is too old
		}
		lower, above := c.apply(l)
		x.above.Store(max(above, 0))
		freed = freed || lower
	}
	if taken && !m.none() {
		a.last = m
	}
	return freed
}

// correction is a figure that is applied to the counter of a limit.
type correction struct {
	counter.Figure
	h     *handle
	m     Mark
	now   counter.At
	since amounts // what was charged after the mark
	reset int64   // how long after the mark the figure's window ends at most, ns; 0 = not reported
}

// reads makes c the correction by a reading of limit l, and returns false if the reading
// reports no usage or is of a window that has passed.
func (c *correction) reads(l provider.Limit, r provider.Reading) bool {
	limit := *c.h.provided.Limits.Of(l)
	if !r.HasRemaining || limit <= 0 || r.Remaining < 0 && r.Limit == 0 || !believable(l, r) {
		return false // without a limit a negative remainder is a provider's placeholder
	}
	own := r.Limit > limit // the limit is the operator's own, below the provider's
	if own {
		limit = *c.h.cfg.Limits.Of(l)
	}
	c.Raise = c.m.none() || own || c.h.cfg.Profile.Pool != "" // other deployments have charged the pool since the mark
	c.Used = min(max(limit-r.Remaining, 0), MaxCount)
	c.Grain, c.reset = r.Grain, int64(r.Reset)
	c.Most = limit * max(deepestDebt, (c.reset+window.Minute-1)/window.Minute)
	ends := !c.m.none() && c.reset != 0 && c.h.cfg.Profile.Shape == provider.Minute
	return !ends || c.now.Now < c.At.Now+c.reset
}

// apply corrects the counter of a limit. It returns whether the count fell, and
// how far the count is above the figure.
func (c *correction) apply(l provider.Limit) (lower bool, above int64) {
	c.Since = c.since[dims[l.Counts()]]
	if m := c.h.limits.Load().at(l); m != nil {
		return m.Correct(&c.Figure, c.now)
	}
	if l == provider.TPM || l == provider.RPM {
		return c.pair(l)
	}
	return false, 0
}

// pair sets a count of the pair to the figure.
func (c *correction) pair(l provider.Limit) (lower bool, above int64) {
	h := c.h
	if !c.m.none() && c.m.epoch != h.turned {
		return false, counter.Max // the figure is of a minute that has passed
	}
	p := h.turned & 1
	pair := &h.hot[p]
	had := pair.Tokens()
	back, requests := pair.Adjusted()
	if l == provider.RPM {
		had, back = pair.Requests(), requests
	}
	if c.Raise {
		back = 0
	}
	to := max(c.Used+c.Since, 0)
	d := max(to-had, -back)
	if max(d, -d) <= c.Grain {
		return false, had - to
	}
	if l == provider.RPM {
		pair.Adjust(0, d)
		h.shift(p, 0, d)
	} else {
		pair.Adjust(d, 0)
		h.shift(p, d, 0)
	}
	return d < 0, had + d - to
}
