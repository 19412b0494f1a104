package fuzz

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// leftCall is a request and what it has been charged.
type leftCall struct {
	lease  engine.Lease
	order  int // of its admission
	at     int64
	charge int64
}

// leftFigure is the latest figure, by the order in which requests were sent.
type leftFigure struct {
	order     int
	at        int64
	remaining int64
	beyond    int64 // what older requests have cost above their reservation since
}

// TestNoMoreIsAdmittedThanAFigureLeft: after a request's mark, within its window,
// what is admitted and what older requests cost beyond their reservation stay within
// what the answer to the request said remained, whatever is given back by which lease.
func TestNoMoreIsAdmittedThanAFigureLeft(t *testing.T) {
	const limit = 10_000
	for name, p := range map[string]provider.Profile{
		"minute": {}, "phase": {Phase: 20 * time.Second}, "bucket": {Shape: provider.Bucket}, "max": {Shape: provider.Bucket, Admit: provider.AdmitLarger},
	} {
		for _, l := range []provider.Limit{provider.TPM, provider.InputTPM} {
			t.Run(name+"/"+l.String(), func(t *testing.T) {
				for seed := range uint64(scale(300)) {
					left(t, seed, p, l, limit)
				}
			})
		}
	}
}

func left(t *testing.T, seed uint64, p provider.Profile, l provider.Limit, limit int64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	v := newVirtual()
	limits := engine.Limits{TPM: limit}
	if l == provider.InputTPM {
		limits = engine.Limits{InputTPM: limit}
	}
	e, err := engine.New(engine.Config{Clock: v.clock(), Deployments: []engine.Deployment{{ID: "a", Group: "g", Limits: limits, Profile: p}}})
	require.NoError(t, err)
	g, ref := group(t, e, "g"), ref(t, e, "a")
	ref.Mark()
	var open, all []*leftCall
	var figure *leftFigure
	windowOf := func(at int64) int64 { return (at - int64(p.Phase)) / minute }
	n := 0
	for step := range 200 {
		now := v.ns.Load()
		if figure != nil && p.Shape == provider.Minute && windowOf(now) != windowOf(figure.at) {
			figure = nil
		}
		switch r.IntN(8) {
		case 0, 1, 2:
			d := engine.Demand{InputTokens: r.Int64N(1500), OutputTokens: engine.NoOutput}
			c := &leftCall{order: n + 1, at: now}
			if c.lease, err = g.Acquire(d); err != nil {
				continue
			}
			n++
			c.charge = c.lease.Reserved()
			open, all = append(open, c), append(all, c)
			if figure == nil {
				continue
			}
			sum := figure.beyond
			for _, o := range all {
				if o.order > figure.order {
					sum += o.charge
				}
			}
			room := figure.remaining
			if p.Shape == provider.Bucket {
				room += limit*(now-figure.at)/minute + 1
			}
			require.LessOrEqual(t, sum, room, "seed %d step %d: %+v", seed, step, figure)
		case 3, 4:
			if len(open) == 0 {
				continue
			}
			i := r.IntN(len(open))
			c := open[i]
			open = append(open[:i], open[i+1:]...)
			if r.IntN(4) == 0 {
				c.lease.Release()
				c.charge = 0
				continue
			}
			used := r.Int64N(2*c.charge + 1)
			if r.IntN(3) != 0 {
				used = r.Int64N(c.charge + 1)
			}
			c.lease.Settle(engine.Usage{InputTokens: used})
			// What a call cost beyond counts in the window of its admission, or in the
			// current one if that is long past.
			w := windowOf(now) - windowOf(c.at)
			if figure != nil && c.order <= figure.order && (p.Shape == provider.Bucket || w != 1) {
				figure.beyond += max(used-c.charge, 0)
			}
			c.charge = used
		case 5:
			if len(open) == 0 {
				continue
			}
			c := open[r.IntN(len(open))]
			remaining := r.Int64N(limit + 1)
			s := provider.Signal{}.With(l, provider.Reading{Limit: limit, Remaining: remaining, HasRemaining: true})
			stale := figure != nil && c.order <= figure.order || windowOf(c.at) != windowOf(now) && p.Shape == provider.Minute
			c.lease.Observe(s)
			if stale {
				continue
			}
			figure = &leftFigure{order: c.order, at: c.at, remaining: remaining}
		case 6:
			v.add(time.Duration(r.IntN(4000)) * time.Millisecond)
		case 7:
			if r.IntN(4) == 0 {
				v.add(time.Duration(r.IntN(90)) * time.Second)
			}
		}
	}
}
