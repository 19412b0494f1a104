package fuzz

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// crossing is what counts in windows.
var crossing = []op{
	(*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire,
	(*world).opRecord, (*world).opRecord, (*world).opPreCheck, (*world).opAbsorb, (*world).opApply,
}

// FuzzRollover crosses the ends of minutes in every way: one by one, several at
// once, with no operation on one of the groups for a while, with shares given
// ahead, with deployments leaving. Whatever was counted in whatever minute must
// have been collected in the end, exactly.
func FuzzRollover(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(noise(seed+200, 200))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		w := newWorld(t, &s)
		c := collector{}
		c.collect(w.engine)
		for ; s.more() && w.steps < maxSteps; w.steps++ {
			switch n := s.int(len(crossing) + len(blind) + 1); {
			case n < len(crossing):
				w.looking(&s, crossing[n])
			case n < len(crossing)+len(blind):
				blind[n-len(crossing)](w, &s)
			default:
				w.look()
				c.collect(w.engine)
			}
			if w.model.saturated() {
				return
			}
		}
		w.look()
		c.collect(w.engine)
		for id, epochs := range w.model.usage {
			for epoch, u := range epochs {
				got := c[windowKey{id, epoch * 60}]
				if got.Requests != u.requests || got.Tokens != u.tokens {
					w.failf("%s in epoch %d: collected %+v, counted %+v", id, epoch-epoch0, got, *u)
				}
			}
		}
		if d := w.engine.Stats().Dropped; d != 0 {
			w.failf("%d reports dropped", d)
		}
		w.checkOverrun()
	})
}

// A collector keeps the last report of every minute, as a syncer would.
type collector map[windowKey]window.Report

type windowKey struct {
	id    string
	start int64
}

func (c collector) collect(e *engine.Engine) {
	for _, r := range e.Collect(nil) {
		if r.Kind == window.KindMinute {
			c[windowKey{r.ID, r.Start}] = r
		}
	}
}

// sum adds up what all windows have used.
func (c collector) sum() (requests, tokens int64) {
	for _, r := range c {
		requests += r.Requests
		tokens += r.Tokens
	}
	return requests, tokens
}

// checkOverrun requires that the tokens above limits only grow.
func (w *world) checkOverrun() {
	got := w.engine.Stats().Overrun
	if got < w.overrun {
		w.failf("overrun %d, it was %d", got, w.overrun)
	}
	w.overrun = got
}
