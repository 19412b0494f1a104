package fuzz

import (
	"github.com/plimsoll-dev/plimsoll/engine"
)

// A mmeter is what the model knows of a limit beside RPM, TPM and in flight: how
// much was used in each of its windows since the limit was first set.
type mmeter struct {
	kind *meterKind
	used map[int64]int64
}

// An mcost is what a request counts.
type mcost struct{ input, output, requests int64 }

type meterKind struct {
	limit engine.Limit
	of    func(*engine.Limits) *int64
	units func(mcost) int64
	span  int64 // minutes
}

var meterKinds = []meterKind{
	{engine.LimitInputTPM, func(l *engine.Limits) *int64 { return &l.InputTPM }, func(c mcost) int64 { return c.input }, 1},
	{engine.LimitOutputTPM, func(l *engine.Limits) *int64 { return &l.OutputTPM }, func(c mcost) int64 { return c.output }, 1},
	{engine.LimitTPD, func(l *engine.Limits) *int64 { return &l.TPD }, func(c mcost) int64 { return c.input + c.output }, 24 * 60},
	{engine.LimitRPD, func(l *engine.Limits) *int64 { return &l.RPD }, func(c mcost) int64 { return c.requests }, 24 * 60},
}

// measure begins to count for limits that are set for the first time.
func (d *mdep) measure() {
	for i := range meterKinds {
		k := &meterKinds[i]
		if *k.of(&d.cfg.Limits) != 0 && d.meter(k.limit) == nil {
			d.meters = append(d.meters, &mmeter{k, map[int64]int64{}})
		}
	}
}

func (d *mdep) meter(l engine.Limit) *mmeter {
	for _, m := range d.meters {
		if m.kind.limit == l {
			return m
		}
	}
	return nil
}

// metered is what a state shows of a limit.
func (d *mdep) metered(l engine.Limit) (used, limit int64) {
	if m := d.meter(l); m != nil {
		return m.used[d.group.epoch/m.kind.span], *m.kind.of(&d.cfg.Limits)
	}
	return 0, 0
}

// add counts in the window that holds an epoch if that is the current one or the
// one before, seen from the group's epoch; later only what is positive, in the current one.
func (m *mmeter) add(epoch, at int64, c mcost) {
	n, now := m.kind.units(c), at/m.kind.span
	w := epoch / m.kind.span
	if w < now-1 {
		if n < 0 {
			return
		}
		w = now
	}
	m.used[w] = min(max(m.used[w]+n, 0), 1<<52)
}

// shortMeters are the limits that refuse a demand on top of what is used in an
// epoch, or of nothing.
func (m *model) shortMeters(d *mdep, epoch int64, empty bool, q engine.Demand, p purpose) (by []engine.Limit) {
	c := m.costs(d, q, p)
	for _, o := range d.meters {
		if p == checking && c.input+c.output == 0 && o.kind.limit != engine.LimitRPD {
			continue
		}
		n := o.kind.units(c)
		if !empty {
			n += o.used[epoch/o.kind.span]
		}
		if over(n, m.part(*o.kind.of(&d.cfg.Limits), q)) {
			by = append(by, o.kind.limit)
		}
	}
	return by
}

// usedToday reports whether a day limit has counted anything today.
func (d *mdep) usedToday() bool {
	for _, m := range d.meters {
		if m.kind.span > 1 && m.used[d.group.epoch/m.kind.span] != 0 {
			return true
		}
	}
	return false
}
