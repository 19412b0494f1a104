package model

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// held is a lease and what the model knows of it.
type held struct {
	lease  engine.Lease
	on     *deployment
	at     int64
	count  amount
	refuse bool        // the provider has refused it
	probe  bool        // it went first after a cooldown
	by     *deployment // the caller; nil: the demand named none
	owed   amount      // that it was charged
}

// world is an engine and its model.
type world struct {
	t    *testing.T
	r    *rand.Rand
	seed uint64
	step int
	now  int64 // as the clock shows it
	src  int64 // what the clock reads
	tick int64 // by how much each reading is later than the one before
	e    *engine.Engine
	clk  *window.Clock
	cfg  engine.Config
	all  []*deployment
	by   *deployment // the caller: its limits are those of a deployment
	open []*held
}

// TestModel plays random steps: whatever the rules, the limits, the classes and the
// answers, the engine admits what the documentation says, and nothing else.
func TestModel(t *testing.T) {
	seeds := 500
	switch {
	case os.Getenv("PLIMSOLL_FULL") != "": // make full
		seeds = 5000
	case testing.Short():
		seeds = 50
	}
	for seed := range uint64(seeds) {
		newWorld(t, seed, 0).play(500)
		if seed%5 == 0 { // on a clock of which no two readings are the same
			newWorld(t, seed, 1).play(500)
		}
	}
}

func newWorld(t *testing.T, seed uint64, tick int64) *world {
	t.Helper()
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 2026)), seed: seed, now: 30_000_000 * minute, tick: tick}
	w.cfg = configure(w.r)
	draws := rand.New(rand.NewPCG(seed, 2027))
	w.cfg.Rand = draws.Uint64
	w.cfg.LeaseTTL = 24 * time.Hour // none expires
	w.src = w.now
	w.clk = window.NewClockFrom(func() time.Time {
		w.src += w.tick
		return time.Unix(0, w.src)
	})
	w.cfg.Clock = w.clk
	var err error
	if w.e, err = engine.New(w.cfg); err != nil {
		t.Fatal(seed, err)
	}
	w.cfg.Clock = nil
	pools := map[string][]*limit{}
	for i := range w.cfg.Deployments {
		d := &deployment{cfg: w.cfg.Deployments[i], present: true, enabled: true, shared: w.r.IntN(2) == 0}
		d.limits = limitsOf(d)
		if p := d.cfg.Profile.Pool; p != "" {
			if pools[p] == nil {
				pools[p] = d.limits
			}
			d.limits = pools[p]
		}
		w.all = append(w.all, d)
	}
	by := &w.cfg.Callers[0]
	w.by = &deployment{cfg: engine.Deployment{ID: by.ID, Limits: by.Limits, Profile: by.Profile}, present: true, enabled: true, shared: w.r.IntN(2) == 0}
	w.by.limits = limitsOf(w.by)
	return w
}

// fits says whether a deployment, or the caller, takes a request at an instant between the
// latest reading of the clock and the next.
func (w *world) fits(d *deployment, a amount, class float64, leases, tokens bool) fit {
	f := d.fits(w.now, a, class, leases, tokens)
	if w.tick != 0 && f != d.fits(w.src+100*w.tick, a, class, leases, tokens) {
		return unsure
	}
	return f
}

func (w *world) play(steps int) {
	for w.step = range steps {
		for _, d := range w.all {
			d.gate.tick(w.now)
			d.caution.tick(w.now)
		}
		switch w.r.IntN(18) {
		case 0, 1, 2, 3, 4:
			w.acquire()
		case 5, 6, 7:
			w.end()
		case 8:
			w.preCheck()
		case 9:
			w.record()
		case 10, 11:
			w.answer()
		case 12:
			w.apply()
		case 13:
			w.toggle()
		case 14:
			w.absorb()
		default:
			w.move([]int64{1e6, 3e8, 2e9, 2e9, 9e9, 25e9, 70e9, 7 * minute}[w.r.IntN(8)] + int64(w.r.IntN(1000)))
		}
		if w.r.IntN(3) == 0 || slices.ContainsFunc(w.all, func(d *deployment) bool { return d.gate.cool != 0 || d.gate.half != 0 }) {
			w.e.AppendStates(nil) // cooldowns that are over are noticed now; else nothing may look at a group for long
		}
		if w.tick != 0 {
			w.now = w.clk.Read()
		}
	}
}

// move moves the clock's source; where all minutes are those of UTC, back at times,
// as a correction does: the clock stays in the minute that it has shown.
func (w *world) move(by int64) {
	plain := !slices.ContainsFunc(w.all, func(d *deployment) bool {
		p := &d.cfg.Profile
		return p.Shape != provider.Minute || p.Phase != 0 || p.RequestWindow != 0 || p.Pool != ""
	})
	if plain && w.r.IntN(4) == 0 {
		by = -w.r.Int64N(5e9)
	}
	w.src += by + 5000*w.tick // further than an operation reads the clock
	w.now = w.clk.Read()
}

func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d step %d: "+format, append([]any{w.seed, w.step}, args...)...)
}

func (w *world) amount() int64 { return []int64{0, 1, 10, 150, 300, 450, 600, 1100}[w.r.IntN(8)] }

func (w *world) demand() engine.Demand {
	return engine.Demand{
		InputTokens: w.amount(), OutputTokens: max(w.amount(), 1), MaxOutputTokens: []int64{0, 0, 100, 400}[w.r.IntN(4)], Priority: w.r.IntN(2),
	}
}

func class(q engine.Demand) float64 { return []float64{1, 0.5}[q.Priority] }

func (w *world) acquire() {
	q := w.demand()
	name := []string{"g", "h"}[w.r.IntN(2)]
	g, err := w.e.Group(name)
	members := slices.DeleteFunc(slices.Clone(w.all), func(d *deployment) bool { return !d.present || d.cfg.Group != name })
	if err != nil {
		if len(members) != 0 {
			w.failf("%v", err)
		}
		return
	}
	best, hopeless := no, true
	for _, d := range members {
		a := d.admitted(q)
		best = max(best, w.fits(d, a, class(q), true, true))
		hopeless = hopeless && d.never(a, class(q))
	}
	by := w.called(&q)
	mayCall := yes
	if by != nil {
		mayCall = w.fits(by, by.admitted(q), 1, true, true)
	}
	if x := w.e.Explain(name, q); by == nil && len(x.Acquire) > 0 != (best == yes) && best != unsure {
		w.failf("%+v in %s: Explain chooses among %v, want fits = %v at %d: %v %+v", q, name, x.Acquire, best, w.now, members, x.Candidates)
	}
	h := &held{at: w.now}
	h.lease, err = g.Acquire(q)
	if err == nil {
		if by != nil {
			if h.by, h.owed = by, by.admitted(q); mayCall == no {
				w.failf("%+v admitted, though its caller has no headroom: %v", q, by)
			}
			by.charge(w.now, w.now, h.owed)
			by.flying++
		}
		i := slices.IndexFunc(w.all, func(d *deployment) bool { return d.cfg.ID == h.lease.Ref().ID() })
		h.on, h.count = w.all[i], w.all[i].admitted(q)
		if w.fits(h.on, h.count, class(q), true, true) == no {
			w.failf("%+v admitted on %v", q, h.on)
		}
		if h.lease.Reserved() != h.count.tokens() {
			w.failf("%+v reserved %d, want %+v", q, h.lease.Reserved(), h.count)
		}
		h.on.charge(w.now, w.now, h.count)
		h.on.flying++
		h.probe = h.on.gate.half != 0
		h.on.gate.first = h.probe
		w.open = append(w.open, h)
		return
	}
	if min(best, mayCall) == yes {
		w.failf("%+v in %s: %v, but it fits: %v, %v", q, name, err, members, by)
	}
	var le *engine.LimitError
	if errors.As(err, &le) && le.Caller != "" {
		if mayCall == yes {
			w.failf("%+v: %v, but the caller has headroom: %v", q, err, by)
		}
		hopeless = by.never(by.admitted(q), 1)
	} else if mayCall == no && best != no {
		w.failf("%+v: %v, want a refusal by the caller %v", q, err, by)
	}
	if !errors.As(err, &le) || le.Never != hopeless || le.RetryAfter <= 0 != le.Never {
		w.failf("%+v in %s: %v (%v), want never = %v: %v", q, name, err, le, hopeless, members)
	}
	room := by == nil || by.cfg.Limits.MaxInFlight == 0 || by.flying < by.cfg.Limits.MaxInFlight
	timed := le.Limit != engine.LimitCooldown && room && (mayCall == yes || best == yes) && !slices.ContainsFunc(members, func(d *deployment) bool {
		most := d.cfg.Limits.MaxInFlight
		return most != 0 && d.flying >= share(most, class(q)) || !d.gate.open() || d.ahead(w.now)
	}) && (by == nil || !by.ahead(w.now))
	if !timed || le.Never || w.r.IntN(4) != 0 || le.RetryAfter > 2*time.Minute {
		return
	}
	w.src = max(w.src, w.now) + int64(le.RetryAfter)
	w.now = w.clk.Read()
	for _, d := range w.all {
		d.gate.tick(w.now)
		d.caution.tick(w.now)
	}
	lease, err := g.Acquire(q)
	if err != nil {
		w.failf("%+v in %s: after %v exactly: %v", q, name, le.RetryAfter, err)
	}
	on := w.all[slices.IndexFunc(w.all, func(d *deployment) bool { return d.cfg.ID == lease.Ref().ID() })]
	if w.fits(on, on.admitted(q), class(q), true, true) == no {
		w.failf("%+v admitted on %v", q, on)
	}
	lease.Release()
	for _, l := range on.limits {
		l.loose += 2 // rounding, there and back
	}
	if by != nil {
		for _, l := range by.limits {
			l.loose += 2
		}
	}
}

// ahead reports whether a share has been applied to a window after the current one.
func (d *deployment) ahead(now int64) bool {
	return slices.ContainsFunc(d.limits, func(l *limit) bool {
		if l.others == nil {
			return false
		}
		_, ok := l.others[l.window(now)+1]
		return ok
	})
}

// called has a demand name the caller at times, and returns it then.
func (w *world) called(q *engine.Demand) *deployment {
	if w.r.IntN(3) != 0 {
		return nil
	}
	ref, err := w.e.CallerRef(w.by.cfg.ID)
	if err != nil {
		w.failf("%v", err)
	}
	q.Caller = ref
	return w.by
}

// pick takes a lease out of those that are open; nil: there is none.
func (w *world) pick() *held {
	if len(w.open) == 0 {
		return nil
	}
	i := w.r.IntN(len(w.open))
	h := w.open[i]
	w.open = slices.Delete(w.open, i, i+1)
	return h
}

func (w *world) end() {
	h := w.pick()
	if h == nil {
		return
	}
	d := h.on
	d.flying--
	if h.by != nil {
		h.by.flying--
	}
	back := func(a amount) {
		d.charge(w.now, h.at, amount{-a.in, -a.out, -a.requests})
		if a.requests != 0 && d.gate.half != 0 && h.at >= d.gate.half {
			d.gate.first = false // it was not sent, or not taken: another may go first
			d.gate.vague = d.gate.vague || !h.probe
		}
	}
	switch k := w.r.IntN(4); {
	case k == 0:
		h.lease.Release()
		back(h.count)
		h.repay(w.now, amount{}, -1)
	case k == 1:
		h.lease.SettleReserved()
	case k == 2 || h.refuse:
		h.lease.Settle(engine.Usage{})
		requests := int64(0)
		if h.refuse && h.by != nil && !h.by.cfg.Profile.CountsRefused {
			requests = -1
		}
		h.repay(w.now, amount{}, requests)
		switch {
		case !h.refuse && d.cfg.Profile.EstimateStands:
		case h.refuse && !d.cfg.Profile.CountsRefused:
			back(h.count)
		case h.refuse:
			back(amount{h.count.in, h.count.out, 0})
		default:
			w.settle(h, amount{})
		}
	default:
		u := engine.Usage{InputTokens: w.amount(), OutputTokens: w.amount()}
		h.lease.Settle(u)
		if h.by != nil {
			cost := amount{}
			cost.in, cost.out = h.by.weighed(u.InputTokens, u.OutputTokens)
			h.repay(w.now, cost, 0)
		}
		used := amount{}
		used.in, used.out = d.weighed(u.InputTokens, u.OutputTokens)
		if d.cfg.Profile.EstimateStands {
			used.in = h.count.in
			if h.count.out != 0 || d.cfg.Profile.Admit >= provider.AdmitInputMax {
				used.out = h.count.out
			}
		}
		w.settle(h, used)
		if u != (engine.Usage{}) {
			d.gate.good(h.at)
		}
	}
}

// settle replaces what a call has reserved by what it has used.
func (w *world) settle(h *held, used amount) {
	p := &h.on.cfg.Profile
	reserves := p.Admit >= provider.AdmitInputMax && !p.EstimateStands
	for _, l := range h.on.limits {
		l.charge(w.now, h.at, l.of(used)-l.of(amount{h.count.in, h.count.out, 0}), reserves)
	}
}

// repay changes what the caller was charged to what the call cost, and by a number of
// requests.
func (h *held) repay(now int64, cost amount, requests int64) {
	if h.by == nil {
		return
	}
	for _, l := range h.by.limits {
		l.charge(now, h.at, l.of(amount{cost.in, cost.out, requests})-l.of(amount{h.owed.in, h.owed.out, 0}), false)
	}
}

func (w *world) preCheck() {
	d := w.all[w.r.IntN(len(w.all))]
	q := w.demand()
	if w.r.IntN(2) == 0 {
		q = engine.Demand{Priority: q.Priority}
	}
	a := d.admitted(q)
	want := w.fits(d, a, class(q), false, a.tokens() != 0)
	by := w.called(&q)
	if by != nil {
		a := by.admitted(q)
		want = min(want, w.fits(by, a, 1, false, a.tokens() != 0))
	}
	err := w.e.PreCheck(d.cfg.ID, q)
	if errors.Is(err, engine.ErrUnknownDeployment) {
		if d.present {
			w.failf("%v", err)
		}
		return
	}
	if (err == nil) != (want == yes) && want != unsure {
		w.failf("PreCheck %+v on %v: %v, want fits = %v", q, d, err, want)
	}
	if err == nil {
		if by != nil {
			by.charge(w.now, w.now, amount{requests: 1})
		}
		d.charge(w.now, w.now, amount{requests: 1})
		d.gate.first = d.gate.half != 0
	}
}

func (w *world) record() {
	d := w.all[w.r.IntN(len(w.all))]
	if !d.present {
		return
	}
	u := engine.Usage{InputTokens: w.amount() / 4, OutputTokens: w.amount() / 4}
	if err := w.e.Record(d.cfg.ID, u); err != nil {
		w.failf("%v", err)
	}
	in, out := d.weighed(u.InputTokens, u.OutputTokens)
	d.charge(w.now, w.now, amount{in: in, out: out})
}

func (w *world) answer() {
	if len(w.open) == 0 {
		return
	}
	h := w.open[w.r.IntN(len(w.open))]
	s := provider.Signal{Kind: provider.Kind(w.r.IntN(7))}
	if s.Kind != provider.Fine && w.r.IntN(2) == 0 {
		s.RetryAfter = time.Duration(w.r.IntN(20_000)) * time.Millisecond
		if s.RetryAfter%time.Second == 0 {
			s.RetryAfter++ // one in whole seconds may end with its minute
		}
	}
	if s.Kind == provider.Fine && w.r.IntN(3) == 0 {
		s.Kind = provider.Rejected
	}
	if s.Kind == provider.RateLimit && h.on.cfg.Profile.Shape == provider.Bucket {
		s.Kind = provider.Overloaded // what is left of a bucket whose limit changes is not modeled
	}
	h.lease.Observe(s)
	h.refuse = h.refuse || s.Kind != provider.Fine && s.Kind != provider.Other
	if !h.on.present {
		return // whether it is still remembered depends on what is left to count
	}
	spare := slices.ContainsFunc(w.all, func(o *deployment) bool {
		return o != h.on && o.present && o.enabled && o.cfg.Group == h.on.cfg.Group && o.gate.cool == 0
	})
	if s.Kind == provider.RateLimit && h.on.cfg.Profile.Pool == "" {
		h.on.caution.refuse(h.at, w.now)
	}
	h.on.gate.answer(s, h.at, w.now, spare)
}

// absorb brings what other nodes used of one window of a deployment, or of the caller,
// and how far this node's own usage may go.
func (w *world) absorb() {
	d := append(slices.Clone(w.all), w.by)[w.r.IntN(len(w.all)+1)]
	if !d.present || !d.shares() {
		return
	}
	count := func() int64 { return []int64{-1, 0, 0, 1, 3, 20, 300, 900}[w.r.IntN(8)] }
	kind := []window.Kind{window.KindMinute, window.KindMinute, window.KindHour, window.KindDay}[w.r.IntN(4)]
	length := map[window.Kind]int64{window.KindMinute: minute, window.KindHour: hour, window.KindDay: day}[kind]
	n := w.now/length + []int64{-1, 0, 0, 0, 0, 1, 2}[w.r.IntN(7)]
	s := window.Share{
		Tally:           window.Tally{ID: d.cfg.ID, Kind: kind, Start: n * length / int64(time.Second), Requests: count(), Tokens: count(), Input: count(), Output: count()},
		CeilingRequests: count(), CeilingTokens: count(), CeilingInput: count(), CeilingOutput: count(),
	}
	if d == w.by {
		s.ID = window.CallerPrefix + s.ID
	}
	w.e.Absorb([]window.Share{s})
	for _, l := range d.limits {
		if l.length != length {
			continue
		}
		switch l.name {
		case engine.LimitRPM, engine.LimitRPH, engine.LimitRPD:
			l.absorb(w.now, n, s.Requests, s.CeilingRequests)
		case engine.LimitTPM, engine.LimitTPH, engine.LimitTPD:
			l.absorb(w.now, n, s.Tokens, s.CeilingTokens)
		case engine.LimitInputTPM:
			l.absorb(w.now, n, s.Input, s.CeilingInput)
		case engine.LimitOutputTPM:
			l.absorb(w.now, n, s.Output, s.CeilingOutput)
		default: // of no window
		}
	}
}

func (w *world) toggle() {
	d := w.all[w.r.IntN(len(w.all))]
	if !d.present || w.r.IntN(3) != 0 {
		return
	}
	ref, err := w.e.Ref(d.cfg.ID)
	if err != nil {
		w.failf("%v", err)
	}
	d.enabled = !d.enabled
	ref.SetEnabled(d.enabled)
	if d.enabled && d.gate.money {
		d.gate.clear()
	}
}

// apply changes limits, moves deployments between groups, and takes some out for a
// while. Buckets keep their limits while leases are open, which may be given back.
func (w *world) apply() {
	cfg := w.cfg
	cfg.Deployments = nil
	pooled := w.all[2].cfg.Profile.Pool != ""
	for i, d := range w.all {
		idle := d.gate.half == 0 && d.gate.cool == 0 && !slices.ContainsFunc(w.open, func(h *held) bool { return h.on == d })
		if d.present && d.cfg.Profile.Pool == "" && idle && !d.shares() && i != 0 && w.r.IntN(6) == 0 {
			d.present = false
			continue
		}
		if !d.present {
			if w.r.IntN(2) == 0 {
				continue
			}
			d.present, d.enabled = true, true
		}
		before := d.cfg
		if w.r.IntN(4) == 0 && d.cfg.Profile.Shape == provider.Minute && (i < 2 || !pooled) {
			if d.cfg.Limits.TPM > 0 {
				d.cfg.Limits.TPM = []int64{800, 1000, 3000}[w.r.IntN(3)]
			}
			if d.cfg.Limits.RPM > 0 {
				d.cfg.Limits.RPM = []int64{6, 12, 60}[w.r.IntN(3)]
			}
			d.cfg.Margin = []float64{0, 0.1}[w.r.IntN(2)]
		}
		if d.cfg.Limits != before.Limits || d.cfg.Margin != before.Margin {
			d.caution.percent, d.caution.refused, d.caution.eased = 0, 0, 0
		}
		if w.r.IntN(5) == 0 {
			d.cfg.Group = []string{"g", "h"}[w.r.IntN(2)]
		}
		cfg.Deployments = append(cfg.Deployments, d.cfg)
		if d.gate.money {
			d.gate.clear()
		}
	}
	if err := w.e.Apply(cfg); err != nil {
		w.failf("%v", err)
	}
}
