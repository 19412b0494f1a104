package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// foreign is what providers' figures have added to a cell that no node has
// reported. It is never below zero: counters that nodes exchange do not go below
// what the nodes have used, or giving back would lose counts. Other counters,
// those of buckets and of minutes with a phase, follow the figures all the way.
type foreign struct{ tokens, requests int64 }

func (x *foreign) load() (tokens, requests int64) {
	return atomic.LoadInt64(&x.tokens), atomic.LoadInt64(&x.requests)
}

// correct brings what is counted to the provider's figures: what it said was used
// when it judged the request, and what was charged since. Under the group's
// mutex. It reports whether usage went down.
//
// A limit that is the operator's own, below the provider's, is only restricted:
// to what remains at the provider.
func (f *frame) correct(i int, s *provider.Signal, m Mark, now int64) (eased bool) {
	h := f.handles[i]
	c := correction{f: f, i: i, m: m, now: now}
	order := h.latest(f.Epoch)
	if !m.none() {
		if !m.after(h.last) && !h.last.none() {
			return false // a later one has been taken
		}
		order = m.order()
	}
	taken := false
	for l := range provider.Limit(provider.Limits) {
		if !c.reads(l, &s.Readings[l]) {
			continue
		}
		taken = true
		x := &h.ledger.figures[l]
		x.replace(order) // before it is known what has been charged
		var ok bool
		if c.since, ok = h.since(m); !ok && !m.none() {
			return eased // the mark is too old
		}
		lower, above := c.apply(l)
		x.above.Store(max(above, 0))
		eased = eased || lower
	}
	if taken && !m.none() {
		h.last = m
	}
	return eased
}

// reads takes in a reading of a limit. False: it does not say what is used.
func (c *correction) reads(l provider.Limit, r *provider.Reading) bool {
	h := c.f.handles[c.i]
	limit := *limitOf(&h.provided, l)
	if !r.Told || limit <= 0 || r.Remaining < 0 && r.Limit == 0 || !believable(l, r) {
		return false // a negative rest of a limit that is not named is a placeholder
	}
	own := r.Limit > limit // the limit is the operator's own, below the provider's
	if own {
		limit = *limitOf(&h.cfg.Limits, l)
	}
	c.raise = c.m.none() || own || h.cfg.Profile.Pool != "" // others have charged the pool since
	c.used = min(max(limit-r.Remaining, 0), MaxCount)
	c.grain, c.reset = r.Grain, int64(r.Reset)
	c.most = limit * max(deepestDebt, (c.reset+window.Minute-1)/window.Minute)
	return c.current()
}

// deepestDebt is up to how many times its limit a figure fills a bucket, if it does
// not report when the bucket will be full.
const deepestDebt = 2

// correction is one of a limit's counters.
type correction struct {
	f     *frame
	i     int
	m     Mark
	now   int64
	since spent
	used  int64 // by the provider's figure
	most  int64 // up to which it fills a bucket
	grain int64 // of it
	reset int64 // how long after the mark its window ends at most; 0 = not told
	raise bool  // never lower what is counted
}

// charged returns what was charged since the mark of what a limit counts.
func (c *correction) charged(l provider.Limit) int64 {
	switch l {
	case provider.Requests, provider.DayRequests:
		return c.since.requests
	case provider.InputTokens:
		return c.since.input
	case provider.OutputTokens:
		return c.since.tokens - c.since.input
	case provider.Tokens, provider.DayTokens:
	}
	return c.since.tokens
}

// meterOf maps readings to meters.
var meterOf = [provider.Limits]int{
	provider.InputTokens: kindInput, provider.OutputTokens: kindOutput, provider.Tokens: kindTokens,
	provider.DayTokens: kindDayTokens, provider.Requests: kindRequests, provider.DayRequests: kindDayRequests,
}

// current reports whether the figure is of a window that has not passed.
func (c *correction) current() bool {
	if c.m.none() || c.reset == 0 || c.f.handles[c.i].cfg.Profile.Shape != provider.Minute {
		return true
	}
	return c.now < c.m.at()+c.reset
}

// apply corrects the counter of a limit. It reports whether that lowered it, and
// how much is counted above the figure.
func (c *correction) apply(l provider.Limit) (lower bool, above int64) {
	since := c.charged(l)
	at := c.now
	if !c.m.none() {
		at = c.m.at()
	}
	if m := c.f.handles[c.i].meters.Load().at(meterOf[l]); m != nil {
		return m.correct(c, at, since)
	}
	if l == provider.Tokens || l == provider.Requests {
		return c.cell(l, since)
	}
	return false, 0
}

// correct brings a meter to used at an instant and since beyond it.
func (m *meter) correct(c *correction, at, since int64) (lower bool, above int64) {
	if m.bucket {
		return m.b.Correct(at, c.now, min(c.used, c.most), since, c.grain, c.raise)
	}
	w := m.window(c.f.Epoch, c.now)
	epoch := c.m.epoch
	if c.m.none() {
		epoch = c.f.Epoch
	}
	if m.window(epoch, at) != w {
		return false, window.Max // of a window that has passed
	}
	back := window.Max
	split, day := &c.f.shares[c.i].split, &c.f.handles[c.i].days.cur
	switch {
	case c.raise:
		back = 0
	case m.minutely():
		back = split[m.dim].foreign
	case m.daily:
		back = day.foreign[m.dim]
	}
	d := m.c.Correct(w, c.used+since, c.grain, back)
	switch {
	case d == 0:
	case m.minutely():
		s := &split[m.dim]
		atomic.AddInt64(&s.foreign, d)
		m.c.SetCap(m.capped(s.ceil, s.elsewhere()))
	case m.daily:
		day.foreign[m.dim] += d
		m.c.SetCap(m.capped(day.ceil[m.dim], day.elsewhere(m.dim)))
	}
	return d < 0, m.used(c.now) - c.used - since
}

// cell brings a cell to the figure.
func (c *correction) cell(l provider.Limit, since int64) (lower bool, above int64) {
	if !c.m.none() && c.m.epoch != c.f.Epoch {
		return false, window.Max // of a minute that has passed
	}
	f, i := c.f, c.i
	had := f.cells[i].Tokens()
	x := &f.foreign[i]
	back, _ := x.load()
	if l == provider.Requests {
		had = f.cells[i].Requests()
		_, back = x.load()
	}
	if c.raise {
		back = 0
	}
	to := max(c.used+since, 0)
	d := max(to-had, -back)
	if max(d, -d) <= c.grain {
		return false, had - to
	}
	if l == provider.Requests {
		atomic.AddInt64(&x.requests, d)
		f.shift(i, 0, d)
	} else {
		atomic.AddInt64(&x.tokens, d)
		f.shift(i, d, 0)
	}
	return d < 0, had + d - to
}
