package fuzz

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// owner is a deployment or a caller of the plain model: what is used in the current
// minute and day, and what is held.
type owner struct {
	id                            string
	limits                        engine.Limits
	requests, tokens, input       int64
	dayRequests, dayTokens, flies int64
}

func within(used, more, limit int64) bool { return limit == 0 || used+more <= max(limit, 0) }

func (o *owner) fits(in, out int64) bool {
	l := &o.limits
	return within(o.requests, 1, l.RPM) && within(o.tokens, in+out, l.TPM) && within(o.input, in, l.InputTPM) &&
		within(o.tokens-o.input, out, l.OutputTPM) && within(o.dayRequests, 1, l.RPD) && within(o.dayTokens, in+out, l.TPD) && within(o.flies, 1, l.MaxInFlight)
}

func (o *owner) add(sameMinute, sameDay bool, requests, in, out, flies int64) {
	if sameMinute {
		o.requests, o.tokens, o.input = o.requests+requests, o.tokens+in+out, o.input+in
	}
	if sameDay {
		o.dayRequests, o.dayTokens = o.dayRequests+requests, o.dayTokens+in+out
	}
	o.flies += flies
}

func randomLimits(r *rand.Rand, scale int64) (l engine.Limits) {
	for _, f := range []*int64{&l.RPM, &l.TPM, &l.InputTPM, &l.OutputTPM, &l.RPD, &l.TPD, &l.MaxInFlight} {
		if r.IntN(3) != 0 {
			continue
		}
		*f = 1 + r.Int64N(scale)
		if f != &l.RPM && f != &l.RPD && f != &l.MaxInFlight {
			*f *= 10
		}
		if r.IntN(40) == 0 {
			*f = engine.Blocked
		}
	}
	return l
}

type heldLease struct {
	lease       *engine.Lease
	a, by       *owner
	in, out     int64
	minute, day int64
}

// TestCallersAgainstModel plays random histories of callers: a demand is admitted exactly
// if its caller and some deployment have headroom, it is counted in both or in neither, and
// every ending of a lease changes both alike.
func TestCallersAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playCallers(t, seed) })
	}
}

func playCallers(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	now := time.Date(2025, 3, 4, 12, 0, 0, 0, time.UTC)
	cfg := engine.Config{
		Clock: window.NewClockFrom(func() time.Time { return now }),
		Rand:  rand.New(rand.NewPCG(seed, 8)).Uint64, Strategy: engine.Strategy(r.IntN(5)),
	}
	var deployments, callers []*owner
	for i := range 1 + r.IntN(4) {
		o := &owner{id: fmt.Sprint("d", i), limits: randomLimits(r, 12)}
		deployments = append(deployments, o)
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: o.id, Group: "g", Limits: o.limits})
	}
	for i := range 1 + r.IntN(3) {
		o := &owner{id: fmt.Sprint("d", i), limits: randomLimits(r, 12)} // the namespaces differ
		callers = append(callers, o)
		cfg.Callers = append(cfg.Callers, engine.Caller{ID: o.id, Limits: o.limits})
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("g")
	require.NoError(t, err)
	var held []*heldLease
	for range 400 {
		minute, day := now.Unix()/60, now.Unix()/86400
		switch k := r.IntN(10); {
		case k < 6:
			by := callers[r.IntN(len(callers))]
			ref, err := e.CallerRef(by.id)
			require.NoError(t, err)
			in, out := r.Int64N(30), 1+r.Int64N(20)
			room := false
			for _, d := range deployments {
				room = room || d.fits(in, out)
			}
			d := engine.Demand{InputTokens: in, OutputTokens: out, Caller: ref}
			_, picked := g.Pick(d)
			lease, err := g.Acquire(d)
			require.Equal(t, room && by.fits(in, out), err == nil, "%v", err)
			require.Equal(t, err == nil, picked)
			if limited, ok := err.(*engine.LimitError); ok { //nolint:errorlint // as it is returned
				require.Equal(t, !by.fits(in, out), limited.Caller == by.id, "the caller is asked first")
			}
			if err == nil {
				h := &heldLease{&lease, nil, by, in, out, minute, day}
				for _, d := range deployments {
					if d.id == h.lease.Ref().ID() {
						h.a = d
					}
				}
				require.True(t, h.a.fits(in, out))
				h.a.add(true, true, 1, in, out, 1)
				by.add(true, true, 1, in, out, 1)
				held = append(held, h)
			}
		case k < 9 && len(held) > 0:
			i := r.IntN(len(held))
			h := held[i]
			held = append(held[:i], held[i+1:]...)
			same, today := h.minute == minute, h.day == day
			var requests, in, out int64
			switch r.IntN(4) {
			case 0:
				h.lease.Release()
				requests, in, out = -1, -h.in, -h.out
			case 1:
				h.lease.SettleReserved()
			case 2:
				h.lease.Add(5)
				h.lease.SettleReserved()
				out = 5
			default:
				u := engine.Usage{InputTokens: 1 + r.Int64N(30), OutputTokens: r.Int64N(30)}
				h.lease.Settle(u)
				in, out = u.InputTokens-h.in, u.OutputTokens-h.out
			}
			for _, o := range []*owner{h.a, h.by} {
				o.add(same, today, requests, in, out, -1)
			}
		default:
			now = now.Add(time.Duration(r.IntN(50)) * time.Second)
			if now.Unix()/60 != minute {
				for _, o := range append(append([]*owner(nil), deployments...), callers...) {
					o.requests, o.tokens, o.input = 0, 0, 0
				}
			}
			if len(held) > 0 && now.Unix()/60-minute > 0 { // keep to two minutes: what comes later is counted otherwise
				for _, h := range held {
					h.lease.SettleReserved()
					h.a.flies--
					h.by.flies--
				}
				held = held[:0]
			}
		}
		checkOwners(t, e.AppendStates(nil), deployments)
		checkOwners(t, e.AppendCallerStates(nil), callers)
	}
}

func checkOwners(t *testing.T, states []engine.State, owners []*owner) {
	t.Helper()
	require.Len(t, states, len(owners))
	for _, o := range owners {
		for _, s := range states {
			if s.ID != o.id {
				continue
			}
			require.Equal(t, []int64{o.requests, o.tokens, o.flies}, []int64{s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitInFlight).Used}, "%s: %+v", o.id, o.limits)
			if o.limits.RPD != 0 {
				require.Equal(t, o.dayRequests, s.Limit(engine.LimitRPD).Used)
			}
			if o.limits.TPD != 0 {
				require.Equal(t, o.dayTokens, s.Limit(engine.LimitTPD).Used)
			}
			if o.limits.InputTPM != 0 {
				require.Equal(t, o.input, s.Limit(engine.LimitInputTPM).Used)
			}
		}
	}
}

// TestCallersConserve: while many goroutines admit, refuse and undo, no limit of either
// side is passed, and once all leases have ended nothing is left of them.
func TestCallersConserve(t *testing.T) {
	limits := engine.Limits{RPM: 20, TPM: 200, RPD: 1 << 30, MaxInFlight: 6}
	cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return time.Date(2025, 3, 4, 12, 0, 0, 0, time.UTC) })}
	for i := range 3 {
		l := limits
		if i == 0 {
			l = engine.Limits{RPM: 20, TPM: 200}
		}
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: fmt.Sprint("d", i), Group: "g", Limits: l})
		cfg.Callers = append(cfg.Callers, engine.Caller{ID: fmt.Sprint("c", i), Limits: engine.Limits{RPM: 15, TPM: 150, TPD: 1 << 30, MaxInFlight: 5}})
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("g")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			ref, _ := e.CallerRef(fmt.Sprint("c", w%3))
			r := rand.New(rand.NewPCG(uint64(w), 1))
			var held []*engine.Lease
			for range 3000 {
				d := engine.Demand{InputTokens: 1 + r.Int64N(40), OutputTokens: engine.NoOutput, Caller: ref}
				if lease, ok := g.TryAcquire(d); ok {
					held = append(held, &lease)
				}
				if r.IntN(50) == 0 {
					for _, s := range append(e.AppendStates(nil), e.AppendCallerStates(nil)...) {
						if s.Limit(engine.LimitRPM).Used > s.Limit(engine.LimitRPM).Max || s.Limit(engine.LimitTPM).Used > s.Limit(engine.LimitTPM).Max || s.Limit(engine.LimitInFlight).Max != 0 && s.Limit(engine.LimitInFlight).Used > s.Limit(engine.LimitInFlight).Max {
							t.Errorf("a limit was passed: %+v", s)
						}
					}
				}
				for len(held) > r.IntN(4) {
					held[0].Release()
					held = held[1:]
				}
			}
			for _, l := range held {
				l.Release()
			}
		})
	}
	wg.Wait()
	for _, s := range append(e.AppendStates(nil), e.AppendCallerStates(nil)...) {
		require.Equal(t, make([]int64, 5), []int64{s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitInFlight).Used, s.Limit(engine.LimitRPD).Used, s.Limit(engine.LimitTPD).Used}, s.ID)
	}
	for i := range 3 {
		ref, _ := e.CallerRef(fmt.Sprint("c", i))
		lease, err := g.Acquire(engine.Demand{InputTokens: 150, OutputTokens: engine.NoOutput, Caller: ref})
		require.NoError(t, err, "at rest a demand that fits is admitted")
		lease.Release()
	}
}

// TestCallersAdmitToTheLimit: of unit demands that race for a caller's last headroom exactly
// as many are admitted as fit.
func TestCallersAdmitToTheLimit(t *testing.T) {
	for round := range 50 {
		limits := [...]engine.Limits{{RPM: 10}, {TPM: 10}, {MaxInFlight: 10}, {RPD: 10}, {RPM: 10, TPM: 10, TPD: 10}}[round%5]
		e, err := engine.New(engine.Config{
			Deployments: []engine.Deployment{{ID: "a", Group: "g", Limits: engine.Limits{RPM: 7}}, {ID: "b", Group: "g"}},
			Callers:     []engine.Caller{{ID: "c", Limits: limits}},
			Clock:       window.NewClockFrom(func() time.Time { return time.Date(2025, 3, 4, 12, 0, 0, 0, time.UTC) }),
		})
		require.NoError(t, err)
		g, _ := e.Group("g")
		ref, _ := e.CallerRef("c")
		var mu sync.Mutex
		admitted := 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 3 {
					if _, ok := g.TryAcquire(engine.Demand{InputTokens: 1, OutputTokens: engine.NoOutput, Caller: ref}); ok {
						mu.Lock()
						admitted++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, 10, admitted, "%+v", limits)
	}
}
