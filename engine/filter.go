package engine

// filter is a demand's Exclude and Tags, resolved against one layout.
type filter struct {
	demand *Demand
	layout *layout
	tags   [maxTags][]uint16 // of the demand's first tags
	skip   [maxSkips]int32   // cells of the demand's first excluded deployments
	skips  int
	nobody bool // a tag that no deployment has
	holds  []hold
}

// What is resolved ahead of the search; the rest is looked up on the way.
const (
	maxTags  = 8
	maxSkips = 16
)

// resolve prepares the filter for a frame.
func (l *filter) resolve(f *frame) {
	if l.layout == f.layout {
		return
	}
	l.layout, l.skips, l.nobody = f.layout, 0, false
	for i, tag := range l.demand.Tags {
		bits := f.tags[tag]
		l.nobody = l.nobody || bits == nil
		if i < maxTags {
			l.tags[i] = bits
		}
	}
	for _, r := range l.demand.Exclude[:min(len(l.demand.Exclude), maxSkips)] {
		if i := f.indexOf(r); i >= 0 {
			l.skip[l.skips] = int32(i)
			l.skips++
		}
	}
}

// indexOf returns where a deployment's cell is, -1 if it is not in the group.
func (f *frame) indexOf(r Ref) int {
	h := r.alive()
	if h == nil {
		return -1
	}
	if p := h.place.Load(); p != nil && p.i < f.candidates() && f.handles[p.i] == h {
		return p.i
	}
	return -1
}

// mask returns, for block b, a bit for each cell the demand leaves over.
func (l *filter) mask(f *frame, b int) uint16 {
	if l.nobody {
		return 0
	}
	m := ^uint16(0)
	for i := range min(len(l.demand.Tags), maxTags) {
		m &= l.tags[i][b]
	}
	for _, tag := range l.demand.Tags[min(len(l.demand.Tags), maxTags):] {
		m &= f.tags[tag][b]
	}
	from, to := f.block(b)
	for _, i := range l.skip[:l.skips] {
		if int(i) >= from && int(i) < to {
			m &^= 1 << (int(i) - from)
		}
	}
	if len(l.holds) != 0 {
		m &^= held(f, b, l.holds)
	}
	for _, r := range l.demand.Exclude[min(len(l.demand.Exclude), maxSkips):] {
		if i := f.indexOf(r); i >= from && i < to {
			m &^= 1 << (i - from)
		}
	}
	return m
}

// mask returns, for block b, a bit for each cell the demand may go to.
func (q *ask) mask(f *frame, b int) uint16 {
	from, to := f.block(b)
	all := uint16(1<<(to-from) - 1)
	if q.filter == nil {
		return all
	}
	return all & q.filter.mask(f, b)
}

// tagged reports whether the demand asks for tags.
func (q *ask) tagged() bool { return q.filter != nil && len(q.filter.demand.Tags) > 0 }

// allows reports whether the demand may go to cell i.
func (q *ask) allows(f *frame, i int) bool {
	if q.filter == nil {
		return true
	}
	b := int(f.blockOf[i])
	return q.filter.mask(f, b)>>(i-int(f.starts[b]))&1 != 0
}
