package engine

import "github.com/plimsoll-dev/plimsoll/window"

// parts are what the classes of [Config.PriorityShare] may use of every cap, by
// class.
type parts []window.Part

func partsOf(shares []float64) parts {
	p := make(parts, len(shares))
	for i, s := range shares {
		p[i] = window.PartOf(s)
	}
	return p
}

// part returns what demands of a class may use. False: there is no such class.
func (e *Engine) part(class int) (window.Part, bool) {
	if class == 0 {
		return 0, true
	}
	p := *e.parts.Load()
	if uint(class) >= uint(len(p)) {
		return 0, false
	}
	return p[class], true
}

// shared reports whether there are classes: then room for everyone half way does
// not mean that each of them gets it.
func (e *Engine) shared() bool { return e.classes.Load() > 1 }

// fitsIn is fits within a part of the caps.
func (f *frame) fitsIn(i int, q *ask) bool {
	if f.meters != nil {
		return f.fitsMeters(i, q)
	}
	h := f.handles[i]
	return f.cells[i].FitsIn(f.partOf(i, q.part), q.cost(h)) && (!f.limited || h.flight.live.Load() < q.part.Of(h.flight.cap.Load()))
}
