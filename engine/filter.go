package engine

import "slices"

// filter is a demand's Exclude and Tags, resolved against one view.
type filter struct {
	demand *Demand
	view   *view
	tags   [maxTags][]uint16 // of the demand's first tags, by block
	skip   [maxSkips]int32   // indexes of the demand's first excluded deployments
	skips  int               // of skip that are set
	unmet  bool              // no deployment has one of the tags
	holds  []hold
}

// How many tags and excluded deployments are resolved ahead of the search. Further ones are
// looked up at each block.
const (
	maxTags  = 8
	maxSkips = 16
)

// resolve prepares the filter for a view.
func (l *filter) resolve(v *view) {
	if l.view == v {
		return
	}
	l.view, l.skips, l.unmet = v, 0, false
	for i, tag := range l.demand.Tags {
		bits := v.tags[tag]
		l.unmet = l.unmet || bits == nil
		if i < maxTags {
			l.tags[i] = bits
		}
	}
	for _, r := range l.demand.Exclude[:min(len(l.demand.Exclude), maxSkips)] {
		if i := v.indexOf(r); i >= 0 {
			l.skip[l.skips] = int32(i)
			l.skips++
		}
	}
}

// indexOf returns the index of a deployment in the view, -1 if it is not in the view.
func (v *view) indexOf(r Ref) int {
	if r.h == nil {
		return -1
	}
	if s := r.h.seat.Load(); s != nil && s.in == &v.signals {
		return s.i
	}
	return slices.Index(v.handles, r.h) // the view is being replaced, or has another group's deployments
}

// mask returns, for block b, a bit for each deployment that the demand allows.
func (l *filter) mask(v *view, b int) uint16 {
	if l.unmet {
		return 0
	}
	m := ^uint16(0)
	for i := range min(len(l.demand.Tags), maxTags) {
		m &= l.tags[i][b]
	}
	for _, tag := range l.demand.Tags[min(len(l.demand.Tags), maxTags):] {
		m &= v.tags[tag][b]
	}
	from, to := v.block(b)
	for _, i := range l.skip[:l.skips] {
		if int(i) >= from && int(i) < to {
			m &^= 1 << (int(i) - from)
		}
	}
	if len(l.holds) != 0 {
		m &^= v.heldOf(b, l.holds)
	}
	for _, r := range l.demand.Exclude[min(len(l.demand.Exclude), maxSkips):] {
		if i := v.indexOf(r); i >= from && i < to {
			m &^= 1 << (i - from)
		}
	}
	return m
}

// held reports whether one of the holds is of deployment i, or of another one of its pool.
func (v *view) held(i int, holds []hold) bool {
	p := v.limitsOf(i).pooled()
	return slices.ContainsFunc(holds, func(o hold) bool { return v.handles[i] == o.h || p != nil && p == o.pool })
}

// heldOf returns a bit for each deployment of a block that is held.
func (v *view) heldOf(b int, holds []hold) (m uint16) {
	from, to := v.block(b)
	for i := from; i < to; i++ {
		if v.held(i, holds) {
			m |= 1 << (i - from)
		}
	}
	return m
}
