package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestHandlesOfEveryAge: groups, references, callers and leases of any age are used while random
// configurations follow each other, the clock moves, answers report limits and figures, and other
// nodes report usage and ceilings. Nothing panics, no call of Wait hangs, a refusal advises a
// wait unless no waiting helps, a snapshot can be restored, and in the end no lease is held.
func TestHandlesOfEveryAge(t *testing.T) {
	for seed := range uint64(scale(180)) {
		l := &lives{t: t, v: newVirtual(), seed: seed, escrow: seed%2 == 1}
		l.clock = l.v.clock()
		var err error
		l.e, err = engine.New(l.config(l.rand(0)))
		require.NoError(t, err)
		if l.escrow {
			l.e.Short()
			l.e.GrantWithin(time.Millisecond)
		}
		l.play()
	}
}

// lives are handles of every age beside one engine.
type lives struct {
	t      *testing.T
	v      *virtual
	clock  *window.Clock
	e      *engine.Engine
	seed   uint64
	escrow bool
	ctx    atomic.Pointer[context.Context] // of calls of Wait; it ends when the next one begins
}

func (l *lives) rand(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(l.seed, stream)) }

func (l *lives) play() {
	cancel := l.begin()
	calls := background(func(int) {
		before := cancel
		cancel = l.begin()
		before()
	})
	applies := l.rand(1)
	configurations := background(func(int) {
		l.v.add(time.Duration(applies.Int64N(int64(10 * time.Second))))
		assert.NoError(l.t, l.e.Apply(l.config(applies)))
	})
	others := l.rand(2)
	nodes := background(func(int) { l.exchange(others) })
	par(4, func(k int) { l.use(l.rand(uint64(k) + 3)) })
	for _, stop := range []func(){calls, configurations, nodes} {
		stop()
	}
	cancel()
	for range 2 {
		l.v.add(10 * time.Minute) // what was never ended expires
		l.e.AppendStates(nil)
	}
	s := l.e.Stats()
	require.Zero(l.t, s.Held|s.Waiting, "seed %d: %+v", l.seed, s)
}

// begin makes another context for calls of Wait.
func (l *lives) begin() context.CancelFunc {
	ctx, cancel := context.WithCancel(l.t.Context())
	l.ctx.Store(&ctx)
	return cancel
}

// config draws one to three of five deployments, in up to three groups.
func (l *lives) config(r *rand.Rand) engine.Config {
	one := func(ns ...int64) int64 { return ns[r.IntN(len(ns))] }
	cfg := engine.Config{Clock: l.clock, Strategy: engine.Strategy(r.IntN(5)), LeaseTTL: 2 * time.Minute, MaxWaiters: 4}
	profiles := []provider.Profile{{}, {}, {Shape: provider.Bucket, LearnShape: true}, {Phase: 7 * time.Second}, {LearnPhase: true}, {RequestWindow: 10 * time.Second}}
	pooled := r.IntN(3) == 0
	for _, k := range r.Perm(5)[:1+r.IntN(3)] {
		d := engine.Deployment{ID: fmt.Sprint("d", k), Group: []string{"g", "g", "h", "m/*"}[r.IntN(4)], Order: r.IntN(2), Disabled: r.IntN(10) == 0}
		d.Limits = engine.Limits{RPM: one(0, 1, 2, 5, -1), TPM: one(0, 10, 50), RPD: one(0, 20), InputTPM: one(0, 20), MaxInFlight: one(0, 1, 3)}
		d.Profile = profiles[r.IntN(len(profiles))]
		if pooled {
			d.Limits, d.Profile = engine.Limits{RPM: 4, TPM: 50, RPD: 30}, provider.Profile{Pool: "p", Shape: provider.Shape(l.seed % 2)}
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	for k := range r.IntN(3) {
		c := engine.Caller{ID: fmt.Sprint("c", k), Limits: engine.Limits{RPM: one(0, 2, 10), MaxInFlight: one(0, 2), RPD: one(0, 9)}}
		cfg.Callers = append(cfg.Callers, c)
	}
	cfg.PriorityShare = shares[r.IntN(len(shares))]
	return cfg
}

// exchange is a round of a syncer with nodes that report whatever they like.
func (l *lives) exchange(r *rand.Rand) {
	reports := l.e.Collect(nil)
	if l.escrow {
		reports = l.e.List(reports)
		l.e.Want(nil)
	}
	shares := []window.Share{{ValidFor: time.Duration(r.Int64N(int64(3 * time.Second))), Nodes: r.IntN(4)}}
	for _, x := range reports {
		s := window.Share{Tally: x.Tally}
		s.Requests, s.Tokens = r.Int64N(3)-1, r.Int64N(20)-1
		if l.escrow {
			s.CeilingRequests, s.CeilingTokens = r.Int64N(8)-1, r.Int64N(60)-1
		}
		shares = append(shares, s)
	}
	l.e.Absorb(shares)
	var kept bytes.Buffer
	assert.NoError(l.t, l.e.Snapshot(&kept))
	assert.NoError(l.t, l.e.Restore(&kept))
}

// use makes calls with handles that it keeps for good.
func (l *lives) use(r *rand.Rand) {
	var groups []*engine.Group
	var refs []engine.Ref
	var callers []engine.CallerRef
	var leases []*engine.Lease
	for range 300 {
		if g, err := l.e.Group([]string{"g", "h", "m/x"}[r.IntN(3)]); err == nil {
			groups = append(groups, g)
		}
		if x, err := l.e.Ref(fmt.Sprint("d", r.IntN(5))); err == nil {
			refs = append(refs, x)
		}
		if c, err := l.e.CallerRef(fmt.Sprint("c", r.IntN(3))); err == nil {
			callers = append(callers, c)
		}
		if len(groups) != 0 {
			if lease := l.acquire(r, groups[r.IntN(len(groups))], callers); lease != nil {
				leases = append(leases, lease)
			}
		}
		if len(refs) != 0 {
			l.touch(r, refs[r.IntN(len(refs))])
		}
		if k := len(leases); k > r.IntN(4) {
			i := r.IntN(k)
			leases[i].Observe(signal(r))
			leases[i].Add(r.Int64N(3))
			leases[i].Settle(engine.Usage{InputTokens: r.Int64N(20), OutputTokens: r.Int64N(20)})
			leases = slices.Delete(leases, i, i+1)
		}
	}
	for _, lease := range leases[:len(leases)/2] { // the others are never ended
		lease.Release()
	}
}

func (l *lives) acquire(r *rand.Rand, g *engine.Group, callers []engine.CallerRef) *engine.Lease {
	d := engine.Demand{InputTokens: r.Int64N(15), OutputTokens: r.Int64N(10) - 1, Affinity: uint64(r.IntN(3))}
	if len(callers) != 0 && r.IntN(2) == 0 {
		d.Caller = callers[r.IntN(len(callers))]
	}
	by := []func(context.Context, engine.Demand) (engine.Lease, error){
		g.Wait, g.Wait, g.AcquireGranted, func(_ context.Context, d engine.Demand) (engine.Lease, error) { return g.Acquire(d) },
	}
	lease, err := by[r.IntN(len(by))](*l.ctx.Load(), d)
	if err == nil {
		return &lease
	}
	if refused, ok := errors.AsType[*engine.LimitError](err); ok {
		assert.Equal(l.t, refused.Never, refused.RetryAfter == 0, "seed %d: %v", l.seed, err)
	}
	return nil
}

func (l *lives) touch(r *rand.Rand, x engine.Ref) {
	switch r.IntN(6) {
	case 0:
		x.Observe(signal(r), x.Mark())
	case 1:
		x.Cooldown(time.Duration(r.Int64N(int64(5*time.Second))) - time.Second)
	case 2:
		x.SetEnabled(r.IntN(3) > 0)
	case 3:
		x.Record(engine.Usage{InputTokens: r.Int64N(9)})
	case 4:
		x.PreCheck(engine.Demand{})
	default:
		x.Profile()
		l.e.Explain("g", engine.Demand{InputTokens: r.Int64N(20)})
	}
}

// signal draws an answer.
func signal(r *rand.Rand) provider.Signal {
	s := provider.Signal{Kind: provider.Kind(r.IntN(7)), Worked: r.IntN(2) == 0, RetryAfter: time.Duration(r.Int64N(int64(2 * time.Second)))}
	for k := range provider.AllLimits() {
		if r.IntN(4) == 0 {
			s = s.With(k, provider.Reading{Limit: r.Int64N(60), Remaining: r.Int64N(60) - 5, HasRemaining: r.IntN(2) == 0, Reset: time.Duration(r.Int64N(int64(time.Minute)))})
		}
	}
	return s
}
