package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// column has at most one limit beside the pair for each deployment of a view; all limits of a
// column have one shape and dimension. A scan reads one column after the other, in a loop without
// branches that depend on usage.
type column struct {
	shape    counter.Shape
	dim      counter.Dim
	ranks    bool             // some inverse is not 0
	limits   []*counter.Limit // nil of deployments without such a limit
	alike    *counter.Limit   // all limits have the windows of this one; nil: they differ
	inverses []uint64         // of the limits, see order.Invert; 0: the limit does not rank
}

// addColumns puts the limits beside the pairs into columns.
func (v *view) addColumns() {
	busiest := int64(0)
	for _, h := range v.handles {
		busiest = max(busiest, h.cfg.Limits.MaxInFlight)
	}
	for i, ms := range v.limits {
		for k := range ms.of() {
			m := &ms.list[k]
			inverse := m.inverse
			if v.by.key == byLeases {
				inverse = busyInverse(m, busiest)
			}
			c := v.columnOf(i, m)
			c.limits[i], c.inverses[i], c.ranks = m.Limit, inverse, c.ranks || inverse != 0
			if c.alike != nil && c.alike.Rule != m.Rule {
				c.alike = nil
			}
		}
	}
}

// columnOf returns the first column of the limit's kind in which deployment i has no limit
// yet, and adds one if there is none.
func (v *view) columnOf(i int, m *limit) *column {
	for k := range v.columns {
		if c := &v.columns[k]; c.shape == m.Shape && c.dim == m.dim && c.limits[i] == nil {
			return c
		}
	}
	c := column{shape: m.Shape, dim: m.dim, alike: m.Limit, limits: make([]*counter.Limit, v.n), inverses: make([]uint64, v.n)}
	v.columns = append(v.columns, c)
	return &v.columns[len(v.columns)-1]
}

// assumedInFlight is the limit on leases by which deployments rank if no deployment of the
// group has one.
const assumedInFlight = 1000

// busyInverse returns the inverse of a limit in a ranking by leases: 0 for all limits except
// that on leases. A deployment without that limit ranks by the largest of the group.
func busyInverse(m *limit, largest int64) uint64 {
	switch {
	case m.Shape != counter.Gauge:
		return 0
	case m.set > 0:
		return order.Invert(m.set)
	case largest > 0:
		return order.Invert(largest)
	}
	return order.Invert(assumedInFlight)
}

// used returns the usage of a limit of the column.
func (c *column) used(l *counter.Limit, at counter.At) int64 {
	if !c.shape.Timed() {
		used, _ := l.LookOwned(at.Epoch, 0)
		return used
	}
	if c.shape == counter.Level {
		return l.Level(at.Now)
	}
	return l.Used(at)
}

// add adds the column to the ratios of the deployments from index from on, as described at
// [view.ratios].
func (c *column) add(to []uint64, from int, at counter.At, a *amounts) {
	limits, inv := c.limits[from:][:len(to)], c.inverses[from:][:len(to)]
	n, sign := int64(0), uint64(0)
	if a != nil {
		n, sign = a[c.dim], lacks
	}
	switch {
	case !c.shape.Timed():
		for i, l := range limits {
			if l != nil {
				invariants.Look()
				used, short := l.LookOwned(at.Epoch, n)
				to[i] = max(to[i], order.Ratio(uint64(used), inv[i])) | uint64(short)&sign
			}
		}
	case a != nil:
		for i, l := range limits {
			if l != nil {
				invariants.Look()
				used, short := l.LookTimed(at.Now, n)
				to[i] = max(to[i], order.Ratio(uint64(used), inv[i])) | uint64(short)&sign
			}
		}
	case c.shape == counter.Level:
		for i, l := range limits {
			if l != nil {
				to[i] = max(to[i], order.Ratio(uint64(l.Level(at.Now)), inv[i]))
			}
		}
	default:
		var w int64 // the window that all limits have, if they are alike
		for i, l := range limits {
			if l != nil {
				if w == 0 || c.alike == nil {
					w = l.Window(at)
				}
				used, current := l.UsedClocked(w)
				if !current {
					used = l.Used(at)
				}
				to[i] = max(to[i], order.Ratio(uint64(used), inv[i]))
			}
		}
	}
}
