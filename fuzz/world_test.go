package fuzz

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A world is an engine and a model that live through the same history.
type world struct {
	t       *testing.T
	time    *virtual
	clock   *window.Clock
	engine  *engine.Engine
	model   *model
	cfg     engine.Config
	groups  [2]*engine.Group
	refs    map[string]engine.Ref // the last handle of every ID there ever was
	leases  []*pair
	last    int64 // the latest epoch seen
	steps   int
	overrun int64 // as it was last
}

// A pair is one lease as both know it.
type pair struct {
	lease engine.Lease
	model *mlease
}

// groupNames are the groups of every world; the second may be empty.
var groupNames = [2]string{"g", "h"}

func newWorld(t *testing.T, s *script) *world {
	t.Helper()
	w := &world{t: t, time: newVirtual(), refs: map[string]engine.Ref{}}
	w.clock = w.time.clock()
	w.cfg = engine.Config{
		Strategy:       strategies[s.int(len(strategies))],
		ExpectedOutput: of[int64](s, 0, 1, 7, 100),
		PriorityShare:  shares[s.int(len(shares))],
		OutputQuantile: of(s, 0, 0, 0, 0.5, 0.95, 0.99),
		LeaseTTL:       of(s, 0, time.Minute, 5*time.Minute, time.Hour),
		Clock:          w.clock,
		Rand:           splitmix(uint64(s.byte())),
		TrackHeld:      true,
		Aliases:        map[string]string{"alias": "g"},
	}
	n := of(s, 1, 2, 3, 5, 10, 17, 65, 128)
	palette := s.int(len(limitPalettes))
	mixed := s.byte()
	for i := range n {
		d := engine.Deployment{ID: fmt.Sprint("d", i), Group: "g", Limits: limitsOf(palette, i)}
		if mixed&1 != 0 && i%5 == 4 {
			d.Order = 1
		}
		if mixed&2 != 0 && i%3 == 1 {
			d.Tags = []string{"eu"}
		}
		if mixed&4 != 0 && i%4 == 3 {
			d.Group = "h"
		}
		d.Weight = float64(i % 3)
		w.cfg.Deployments = append(w.cfg.Deployments, d)
	}
	w.cfg.Deployments = append(w.cfg.Deployments, engine.Deployment{ID: "z:0", Group: "h", Limits: engine.Limits{RPM: 3}})
	var err error
	w.engine, err = engine.New(w.cfg)
	require.NoError(t, err)
	w.model = newModel(w.cfg, w.now())
	for i, name := range groupNames {
		w.groups[i] = group(t, w.engine, name)
	}
	w.resolve()
	return w
}

// limitPalettes are the limits that the deployments of a world cycle through.
var limitPalettes = [][]engine.Limits{
	{{TPM: 1000}},
	{{RPM: 3}, {RPM: 5}},
	{{}},
	{{TPM: 100, RPM: 4}, {TPM: 300, RPM: 2}, {TPM: 50}},
	{{TPM: 500, RPM: 6, MaxInFlight: 2}, {MaxInFlight: 1}, {RPM: 10, MaxInFlight: 3}},
	{{TPM: 1 << 42}, {TPM: 1 << 20}, {TPM: engine.Blocked}, {RPM: engine.Blocked}, {MaxInFlight: engine.Blocked}},
	{{TPM: 1}, {TPM: 10}, {TPM: 99}, {TPM: 101}, {TPM: 12_345}},
	{{InputTPM: 300, OutputTPM: 60}, {InputTPM: 50, TPM: 200}, {OutputTPM: 100, RPM: 9}},
	{{RPD: 9}, {TPD: 2000, RPM: 5}, {RPD: 30, TPD: 900, TPM: 500, InputTPM: 200, MaxInFlight: 3}},
	{{RPD: engine.Blocked}, {TPD: 10_000}, {InputTPM: engine.Blocked, RPM: 4}, {OutputTPM: engine.Blocked}, {RPD: 5, OutputTPM: 1 << 42}},
	{{TPM: 40, RPM: 1 << 42}, {TPM: 1 << 42, RPM: 2}},
}

func limitsOf(palette, i int) engine.Limits {
	p := limitPalettes[palette%len(limitPalettes)]
	return p[i%len(p)]
}

// now is the clock's reading, which never goes back over an epoch.
func (w *world) now() int64 {
	n := w.clock.Now()
	if e := n / minute; e < w.last {
		w.t.Fatalf("step %d: the clock went back from epoch %d to %d", w.steps, w.last, e)
	} else {
		w.last = e
	}
	return n
}

// resolve refreshes the handles of all deployments configured.
func (w *world) resolve() {
	for _, d := range w.cfg.Deployments {
		r, err := w.engine.Ref(d.ID)
		if err != nil || r.ID() != d.ID {
			w.t.Fatalf("step %d: Ref(%q): %q, %v", w.steps, d.ID, r.ID(), err)
		}
		w.refs[d.ID] = r
	}
}

// forget notes which removed deployments the engine has forgotten. Op is what
// makes it look, if one of them is concerned.
func (w *world) forget(op func()) {
	op()
	for id, d := range w.model.deps {
		if d.present {
			continue
		}
		if _, err := w.engine.Ref(id); err == nil {
			continue
		}
		if w.model.look(d.group, w.now()); !d.forgettable() {
			w.failf("%s was removed in epoch %d, holds %d leases and is forgotten", id, d.gone-epoch0, len(d.leases))
		}
		d.forgotten = true
		w.model.lost[id] = d
		delete(w.model.deps, id)
	}
}

// adopt is for a clock that may have been set back. Whether the engine had seen that a cooldown
// was over by the latest instant depends on what it had looked at: the model takes over
// what it believes.
func (w *world) adopt(latest int64) {
	if w.now() >= latest {
		return
	}
	w.look()
	for _, is := range w.engine.AppendStates(nil) {
		if d := w.model.deps[is.ID]; d != nil && d.cool <= latest && is.CoolingFor == 0 {
			d.cool = 0
		}
	}
}

// look makes engine and model look at the clock.
func (w *world) look() {
	w.forget(func() { w.engine.AppendStates(nil) })
	w.model.lookAll(w.now())
}

func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("step %d, %s into epoch %d: %s", w.steps, time.Duration(w.clock.Now()%minute), w.last-epoch0, fmt.Sprintf(format, args...))
}

// check compares everything that can be read.
func (w *world) check() {
	w.t.Helper()
	w.look()
	w.checkStates(w.now())
	w.checkCollect()
	w.checkStats()
}

func (w *world) checkStates(now int64) {
	w.t.Helper()
	got := w.engine.AppendStates(nil)
	if len(got) != len(w.cfg.Deployments) {
		w.failf("%d states, want %d", len(got), len(w.cfg.Deployments))
	}
	seen := make(map[string]bool, len(got))
	for _, s := range got {
		if seen[s.ID] {
			w.failf("two states of %q", s.ID)
		}
		seen[s.ID] = true
		d := w.model.deps[s.ID]
		if d == nil || !d.present {
			w.failf("state of %q, which is not configured", s.ID)
		}
		want := w.model.state(d, now)
		if d.muchHeld {
			for i := range want.Limits {
				want.Limits[i].Held = s.Limit(want.Limits[i].Limit).Held
			}
		}
		if l := d.cfg.Limits; slices.Contains([]int64{l.TPM, l.RPM, l.MaxInFlight, l.InputTPM, l.OutputTPM, l.RPD, l.TPD}, engine.Blocked) {
			want.Utilization = max(want.Utilization, 1) // nothing is left of nothing
		} else if diff := s.Utilization - want.Utilization; diff > ratioSlack || diff < -ratioSlack {
			w.failf("utilization\n got %+v\nwant %+v", s, want)
		}
		if want.Utilization >= 1 && s.Utilization < 1 {
			w.failf("%s: utilization %v, but a limit is used up", s.ID, s.Utilization)
		}
		s.Utilization, want.Utilization = 0, 0
		if !equalStates(s, want) {
			w.failf("state\n got %+v\nwant %+v", s, want)
		}
	}
}

func (w *world) checkCollect() {
	w.t.Helper()
	type key struct {
		id    string
		start int64
	}
	seen := map[key]bool{}
	for _, r := range w.engine.Collect(nil) {
		if r.Kind != window.KindMinute {
			continue // the model knows minutes
		}
		k := key{r.ID, r.Start}
		if seen[k] {
			w.failf("two reports of %v", k)
		}
		seen[k] = true
		u := w.model.usage[r.ID][r.Start/60]
		if u == nil {
			u = &musage{}
		}
		d := w.model.deps[r.ID]
		if r.Start%60 != 0 || w.model.usage[r.ID] == nil {
			w.failf("report of an unknown deployment or window: %+v", r)
		}
		if r.Requests != u.requests || r.Tokens != u.tokens {
			w.failf("report %+v, want own usage %+v", r, *u)
		}
		// A window that ended before is reported with the limits it had then.
		if d != nil && d.present && r.Start/60 >= d.group.epoch-1 && (r.RequestLimit != d.cfg.Limits.RPM || r.TokenLimit != d.cfg.Limits.TPM) {
			w.failf("report %+v, want limits %+v", r, d.cfg.Limits)
		}
	}
	for id, d := range w.model.deps {
		for e := d.group.epoch - 1; e <= d.group.epoch; e++ {
			if u := d.usage[e]; u != nil && (u.requests != 0 || u.tokens != 0) && !seen[key{id, e * 60}] {
				w.failf("no report of %q in epoch %d, own usage %+v", id, e-epoch0, *u)
			}
		}
	}
}

func (w *world) checkStats() {
	w.t.Helper()
	s, m := w.engine.Stats(), w.model
	if s.Contended != 0 {
		w.failf("%d contended refusals in one goroutine", s.Contended)
	}
	if got, want := s.Admitted, m.acquired+m.checked; got != want {
		w.failf("%d admitted, want %d", got, want)
	}
	if got := s.Held + s.Settled + s.Released + s.Expired; got != m.acquired {
		w.failf("held %d + settled %d + released %d + expired %d, want %d", s.Held, s.Settled, s.Released, s.Expired, m.acquired)
	}
	if got := s.EndedLate; got != m.late {
		w.failf("%d late, want %d", got, m.late)
	}
	var refused int64
	for _, n := range s.Refused {
		refused += n
	}
	if refused != m.refused {
		w.failf("%d refused %v, want %d", refused, s.Refused, m.refused)
	}
	if (s.Invalid > 0) != m.invalid {
		w.failf("%d invalid, want any: %v", s.Invalid, m.invalid)
	}
	if s.Held != m.acquired-m.ended[settled]-m.ended[settledReserved]-m.ended[released]-m.expired ||
		s.Settled != m.ended[settled]+m.ended[settledReserved] || s.Released != m.ended[released] || s.Expired != m.expired {
		w.failf("%+v, want %d acquired, endings %v, %d expired", s, m.acquired, m.ended, m.expired)
	}
	if s.Tokens != m.tokens {
		w.failf("%d tokens in all, want %d", s.Tokens, m.tokens)
	}
}

// anyOf draws a deployment that is configured.
func (w *world) anyOf(s *script) engine.Deployment {
	return w.cfg.Deployments[s.int(len(w.cfg.Deployments))]
}

// anyID draws an ID that is or was configured.
func (w *world) anyID(s *script) string {
	if s.byte()%8 != 0 {
		return w.anyOf(s).ID
	}
	ids := make([]string, 0, len(w.refs))
	for id := range w.refs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids[s.int(len(ids))]
}
