package fuzz

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// demand draws a demand; some are out of range.
func (w *world) demand(s *script) engine.Demand {
	q := engine.Demand{
		InputTokens:     of[int64](s, 0, 1, 2, 5, 10, 40, 50, 99, 100, 300, 1000, 1<<20),
		OutputTokens:    of[int64](s, engine.NoOutput, engine.NoOutput, 0, 0, 1, 7, 60),
		MaxOutputTokens: of[int64](s, 0, 0, 0, 1, 5, 1000),
	}
	switch s.int(16) {
	case 1:
		q.Tags = []string{"eu"}
	case 2:
		q.Tags = []string{"eu", "eu"}
	case 3:
		q.Tags = []string{"nowhere"}
	case 4, 5:
		for range s.int(4) + 1 {
			q.Exclude = append(q.Exclude, w.refs[w.anyID(s)])
		}
	case 6:
		q.InputTokens = of[int64](s, -1, engine.MaxCount, engine.MaxCount+1, -1<<63, 1<<63-1)
	case 7:
		q.OutputTokens = of[int64](s, -2, engine.MaxCount, engine.MaxCount+1, -1<<63, 1<<63-1)
	case 8:
		q.MaxOutputTokens = of[int64](s, -1, engine.MaxCount, engine.MaxCount+1, -1<<63, 1<<63-1)
	case 9:
		q.Affinity = uint64(s.int(4))
	case 10:
		q.Affinity, q.Tags = ^uint64(0), []string{"eu"}
	case 12, 13:
		q.Priority = s.int(classes)
	case 14:
		q.Priority, q.Tags = 1+s.int(classes-1), []string{"eu"}
	case 15:
		q.Priority = of(s, -1, classes, math.MinInt, math.MaxInt)
	case 11:
		q.Affinity, q.Exclude = 1<<63, []engine.Ref{w.refs[w.anyID(s)]}
	}
	return q
}

// usage draws what a call has cost; some is out of range.
func (s *script) usage() engine.Usage {
	u := engine.Usage{
		InputTokens:  of[int64](s, 0, 0, 1, 10, 50, 100, 500),
		OutputTokens: of[int64](s, 0, 0, 1, 3, 20, 90, 4000),
	}
	if s.int(32) == 1 {
		u.OutputTokens = of[int64](s, -1, engine.MaxCount, engine.MaxCount+1, -1<<63, 1<<63-1)
	}
	return u
}

// group draws one of the two groups.
func (w *world) group(s *script) (*engine.Group, *mgroup) {
	i := 0
	if s.byte()%4 == 3 {
		i = 1
	}
	return w.groups[i], w.model.groups[groupNames[i]]
}

func (w *world) opAcquire(s *script) {
	eg, mg := w.group(s)
	q, now := w.demand(s), w.now()
	want := w.model.choices(mg, q, acquiring, now)
	p := &pair{}
	var ok bool
	if s.byte()&1 == 0 {
		p.lease, ok = eg.TryAcquire(q)
	} else {
		var err error
		p.lease, err = eg.Acquire(q)
		ok = err == nil
		w.checkRefusal(err, mg, q, acquiring, now)
	}
	if !ok {
		w.refused(q, want)
		return
	}
	id := w.chosen(p.lease.Ref(), q, want)
	p.model = w.model.acquire(id, q)
	if p.lease.Reserved() != p.model.reserved {
		w.failf("reserved %d on %s, want %d", p.lease.Reserved(), id, p.model.reserved)
	}
	w.leases = append(w.leases, p)
}

func (w *world) opPick(s *script) {
	eg, mg := w.group(s)
	q, now := w.demand(s), w.now()
	want := w.model.choices(mg, q, picking, now)
	r, ok := eg.Pick(q)
	if !ok {
		w.refused(q, want)
		return
	}
	w.chosen(r, q, want)
}

// refused notes a refusal, which must be one of the model too.
func (w *world) refused(q engine.Demand, want []string) {
	if len(want) > 0 {
		w.failf("%+v refused, fits on %v", q, want)
	}
	if !valid(q) {
		w.model.invalid = true
	} else {
		w.model.refused++
	}
}

// chosen returns the ID chosen, which must be one of those wanted.
func (w *world) chosen(r engine.Ref, q engine.Demand, want []string) string {
	if !slices.Contains(want, r.ID()) {
		w.failf("%+v went to %s, want one of %v", q, r.ID(), want)
	}
	return r.ID()
}

func (w *world) opPreCheck(s *script) {
	id := w.anyID(s)
	q, now := w.demand(s), w.now()
	var got bool
	if s.byte()&1 == 0 {
		w.forget(func() { got = w.refs[id].PreCheck(q) })
	} else {
		var err error
		w.forget(func() { err = w.engine.PreCheck(id, q) })
		if got = err == nil; errors.Is(err, engine.ErrUnknownDeployment) {
			if d := w.model.deps[id]; d != nil && d.present {
				w.failf("PreCheck on %s: %v", id, err)
			}
			return
		}
	}
	d := w.model.deps[id]
	want := w.model.preCheck(d, q, now)
	if got != want {
		w.failf("PreCheck of %+v on %s: %v, want %v; %+v", q, id, got, want, w.model.describe(d))
	}
	if !valid(q) {
		w.model.invalid = true
	} else if !want && d != nil && !d.forgotten {
		w.model.refused++
	}
}

func (w *world) opRecord(s *script) {
	id, u := w.anyID(s), s.usage()
	if s.byte()&1 == 0 {
		w.forget(func() { w.refs[id].Record(u) })
	} else {
		var err error
		w.forget(func() { err = w.engine.Record(id, u) })
		if d := w.model.deps[id]; err != nil && d != nil {
			w.failf("Record on %s: %v", id, err)
		} else if err != nil {
			return
		}
	}
	w.model.record(w.model.deps[id], u, w.now())
}

// opEnd ends a lease, one that has ended before now and then.
func (w *world) opEnd(s *script) {
	if len(w.leases) == 0 {
		return
	}
	i := s.int(len(w.leases))
	p := w.leases[i]
	switch how := ending(s.int(3)); how {
	case settled:
		u := s.usage()
		w.forget(func() { p.lease.Settle(u) }) // before it counts more it may forget the deployment
		w.model.end(p.model, how, u, w.now())
	case settledReserved:
		w.model.end(p.model, how, engine.Usage{}, w.now())
		p.lease.SettleReserved()
	case released:
		w.model.end(p.model, how, engine.Usage{}, w.now())
		p.lease.Release()
	}
	if s.byte()%4 != 0 {
		w.leases = slices.Delete(w.leases, i, i+1)
	}
}

func (w *world) opAdd(s *script) {
	if len(w.leases) == 0 {
		return
	}
	p, n := w.leases[s.int(len(w.leases))], of[int64](s, 0, 1, 9, 200, -1, 1<<50)
	w.forget(func() { p.lease.Add(n) })
	w.model.add(p.model, n, w.now())
}

// opStep moves time: by seconds, over the end of the minute, by hours, back.
func (w *world) opStep(s *script) {
	switch s.int(8) {
	case 0, 1, 2:
		w.time.add(time.Duration(s.int(30)) * time.Second)
	case 3, 4:
		w.time.add(time.Minute - time.Duration(s.int(3))*time.Second)
	case 5:
		w.time.add(time.Duration(s.int(20)) * time.Minute)
	case 6:
		w.time.add(time.Duration(s.int(4)) * time.Hour)
	case 7:
		latest := w.now()
		w.time.add(-time.Duration(s.int(20)) * time.Second)
		w.adopt(latest)
	}
}

func (w *world) opSlew(s *script) {
	latest := w.now()
	w.clock.Slew(time.Duration(int8(s.byte())) * 50 * time.Millisecond)
	w.adopt(latest)
}

func (w *world) opAbsorb(s *script) {
	now := w.now()
	var shares []window.Share
	for range s.int(4) + 1 {
		sh := window.Share{
			Tally: window.Tally{
				ID: w.anyID(s), Start: (now/minute + of[int64](s, 0, 0, 0, 1, 1, -1)) * 60,
				Requests: of[int64](s, 0, 0, 1, 2, 5, 100), Tokens: of[int64](s, 0, 0, 10, 50, 99, 1000),
			},
			CeilingRequests: of[int64](s, 0, 0, 0, engine.Blocked, 1, 3),
			CeilingTokens:   of[int64](s, 0, 0, 0, engine.Blocked, 20, 100, 700),
			Retry:           of(s, 0, 0, 0, time.Second, 90*time.Second),
		}
		if s.int(16) == 1 {
			sh.ID = "never heard of"
		}
		shares = append(shares, sh)
	}
	w.forget(func() { w.engine.Absorb(shares) })
	w.model.absorb(shares, now)
}

func (w *world) opCooldown(s *script) {
	id, now := w.anyID(s), w.now()
	d := time.Duration(of(s, 1, 5, 20, 61, 300, 0, -1)) * time.Second
	w.forget(func() { w.refs[id].Cooldown(d) })
	if m := w.model.deps[id]; m != nil {
		w.model.cooldown(m, int64(d), now)
	}
}

func (w *world) opSetEnabled(s *script) {
	id, on := w.anyID(s), s.byte()%3 != 0
	w.forget(func() { w.refs[id].SetEnabled(on) })
	if m := w.model.deps[id]; m != nil {
		w.model.setEnabled(m, on, w.now())
	}
}

// checkRefusal holds what Acquire has said against the model.
func (w *world) checkRefusal(err error, g *mgroup, q engine.Demand, p purpose, now int64) {
	if err == nil {
		return
	}
	candidates := w.model.candidates(g, q)
	switch {
	case !valid(q):
		if !errors.Is(err, engine.ErrInvalidDemand) {
			w.failf("%+v: %v, want an invalid demand", q, err)
		}
		return
	case len(candidates) == 0:
		if !errors.Is(err, engine.ErrNoCandidate) {
			w.failf("%+v: %v, want no candidate", q, err)
		}
		return
	}
	le, ok := errors.AsType[*engine.LimitError](err)
	if !ok || !errors.Is(err, engine.ErrLimited) {
		w.failf("%+v: %v, want a LimitError", q, err)
	}
	d := w.model.deps[le.Deployment]
	if le.Group != g.name || le.Candidates != len(candidates) || !slices.Contains(candidates, d) {
		w.failf("%+v, want group %s and %d candidates", le, g.name, len(candidates))
	}
	if by := w.model.blockers(d, q, p, now); !slices.Contains(by, le.Limit) {
		w.failf("%s refused by %v, want one of %v", le.Deployment, le.Limit, by)
	}
	w.checkWait(le, candidates, q, p, now)
	if len(le.States) != min(32, len(candidates)) {
		w.failf("%d states of %d candidates", len(le.States), len(candidates))
	}
}
