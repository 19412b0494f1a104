package fuzz

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// maxSteps bounds the length of a history.
const maxSteps = 400

// FuzzEngineModel lets the engine and the model live through the same random
// history and compares every answer, and everything that can be read, on the way.
func FuzzEngineModel(f *testing.F) {
	for seed := range uint64(24) {
		f.Add(noise(seed, 300))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		w := newWorld(t, &s)
		every := 1 + len(w.cfg.Deployments)/16
		for ; s.more() && w.steps < maxSteps; w.steps++ {
			looks := w.step(&s)
			if w.model.saturated() {
				return
			}
			if looks && w.steps%every == 0 {
				w.check()
			}
		}
		w.check()
	})
}

// noise is a seed of n bytes.
func noise(seed uint64, n int) []byte {
	random := splitmix(seed)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random() >> 56)
	}
	return b
}

// An op is one thing that can happen to a world.
type op func(*world, *script)

// history is what FuzzEngineModel draws from, each as often as it is listed.
var history = []op{
	(*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire,
	(*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire, (*world).opAcquire,
	(*world).opPick, (*world).opPick, (*world).opPreCheck, (*world).opPreCheck,
	(*world).opRecord, (*world).opRecord, (*world).opAbsorb, (*world).opAbsorb,
	(*world).opCooldown, (*world).opSetEnabled, (*world).opApply, (*world).opExplain, (*world).opCheck,
}

// blind is what leaves the published window be, unless it counts more than was reserved.
var blind = []op{
	(*world).opEnd, (*world).opEnd, (*world).opEnd, (*world).opEnd, (*world).opEnd,
	(*world).opAdd, (*world).opStep, (*world).opStep, (*world).opSlew,
}

// step takes one step and reports whether it has looked at the clock.
func (w *world) step(s *script) (looks bool) {
	i := s.int(len(history) + len(blind))
	if i >= len(history) {
		blind[i-len(history)](w, s)
		return false
	}
	w.looking(s, history[i])
	return true
}

// looking does something that looks at the clock, which may make the engine
// forget what it needs no more.
func (w *world) looking(s *script, do op) { do(w, s); w.forget(func() {}) }

func (w *world) opCheck(*script) { w.check() }

// opExplain holds an explanation against the model.
func (w *world) opExplain(s *script) {
	_, mg := w.group(s)
	q, now := w.demand(s), w.now()
	x := w.engine.Explain(mg.name, q)
	if !valid(q) {
		if x.Err == nil {
			w.failf("no error in the explanation of %+v", q)
		}
		return
	}
	w.sameChoice("Pick", x.Pick, w.explained(mg, q, picking, now))
	w.sameChoice("Acquire", x.Acquire, w.explained(mg, q, acquiring, now))
	if len(x.Acquire) == 0 {
		w.checkRefusal(x.Err, mg, q, acquiring, now)
	}
	for _, c := range x.Candidates {
		d := w.model.deps[c.ID]
		if c.Cost != w.model.cost(d, q, acquiring) || c.Order != d.cfg.Order {
			w.failf("candidate %+v, want cost %d and order %d", c, w.model.cost(d, q, acquiring), d.cfg.Order)
		}
		if by := w.model.blockers(d, q, acquiring, now); (c.Refused != engine.LimitNone) != (len(by) > 0) && c.Skipped == "" {
			w.failf("candidate %+v, want it refused by %v", c, by)
		}
	}
}

// explained are the IDs an explanation may name. Under PowerOfTwo it does not
// say which of them cannot win.
func (w *world) explained(g *mgroup, q engine.Demand, p purpose, now int64) []string {
	if w.model.strategy == engine.PowerOfTwo && q.Affinity == 0 {
		w.model.look(g, now)
		return idsOf(w.model.fitting(g, q, p, now))
	}
	return w.model.choices(g, q, p, now)
}

// sameChoice holds an explained choice against what the model allows.
func (w *world) sameChoice(what string, got, want []string) {
	if len(got) == 0 && len(want) > 0 {
		w.failf("explained %s: none, want %v", what, want)
	}
	allowed := map[string]bool{}
	for _, id := range want {
		allowed[id] = true
	}
	for _, id := range got {
		if !allowed[id] {
			w.failf("explained %s: %v, want some of %v", what, got, want)
		}
	}
}
