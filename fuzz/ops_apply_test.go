package fuzz

import (
	"fmt"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// opApply changes the configuration a little and applies it; now and then it
// applies one that is bad, which must change nothing.
func (w *world) opApply(s *script) {
	ds := slices.Clone(w.cfg.Deployments)
	for range s.int(3) + 1 {
		ds = w.mutate(s, ds)
	}
	cfg := w.cfg
	cfg.Deployments = ds
	if s.int(8) == 1 {
		cfg.Strategy = strategies[s.int(len(strategies))]
		cfg.PriorityShare = shares[s.int(len(shares))]
		cfg.OutputQuantile = of(s, 0, 0.5, 0.9)
	}
	if s.int(8) == 1 {
		bad := cfg
		bad.Deployments = append(slices.Clone(ds), ds[0])
		if err := w.engine.Apply(bad); err == nil {
			w.failf("two deployments %q applied", ds[0].ID)
		}
		return
	}
	w.look()
	now := w.now()
	if err := w.engine.Apply(cfg); err != nil {
		w.failf("Apply: %v", err)
	}
	w.model.apply(cfg, now)
	w.cfg = cfg
	w.resolve()
}

// mutate changes, removes, adds or brings back one deployment. Each group keeps
// at least one: "d0" and "z:0" stay where they are.
func (w *world) mutate(s *script, ds []engine.Deployment) []engine.Deployment {
	i := s.int(len(ds))
	pinned := ds[i].ID == "d0" || ds[i].ID == "z:0"
	switch s.int(8) {
	case 0, 1:
		if !pinned {
			return slices.Delete(ds, i, i+1)
		}
	case 2, 3:
		return w.bringBack(s, ds)
	case 4:
		if !pinned {
			ds[i].Group = groupNames[s.int(2)]
		}
	case 5:
		ds[i].Limits = limitsOf(s.int(len(limitPalettes)), s.int(4))
	case 6:
		ds[i].Disabled = !ds[i].Disabled
	case 7:
		ds[i].Order, ds[i].Tags, ds[i].Weight = s.int(3), of(s, nil, []string{"eu"}), float64(s.int(3))
	}
	return ds
}

// bringBack adds a deployment that was there before, or one that was not.
func (w *world) bringBack(s *script, ds []engine.Deployment) []engine.Deployment {
	id := w.anyID(s)
	if s.byte()%2 == 0 {
		id = fmt.Sprint("x", s.int(20))
	}
	if slices.ContainsFunc(ds, func(d engine.Deployment) bool { return d.ID == id }) {
		return ds
	}
	return append(ds, engine.Deployment{
		ID: id, Group: groupNames[s.int(2)],
		Limits: limitsOf(s.int(len(limitPalettes)), s.int(4)),
	})
}
