package fuzz

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// scarce is a limit that admits one request of one input and one output token a
// step of time, and that is reserved after others which admit more.
type scarce struct {
	name    string
	limits  engine.Limits
	profile provider.Profile
	step    time.Duration
}

// places is how many leases the deployment may hold in every case.
const places = 3

// scarcities refuse at each step of an admission, so that each step before it is
// undone.
var scarcities = []scarce{
	{"tokens", engine.Limits{TPM: 2}, provider.Profile{}, time.Minute},
	{"requests", engine.Limits{RPM: 1, TPM: 100}, provider.Profile{}, time.Minute},
	{"input", engine.Limits{InputTPM: 1}, provider.Profile{}, time.Minute},
	{"output", engine.Limits{InputTPM: 50, OutputTPM: 1}, provider.Profile{}, time.Minute},
	{"requests after input", engine.Limits{InputTPM: 50, RPM: 1}, provider.Profile{}, time.Minute},
	{"tokens per day", engine.Limits{InputTPM: 50, TPD: 2}, provider.Profile{}, 24 * time.Hour},
	{"requests per day", engine.Limits{OutputTPM: 50, RPD: 1}, provider.Profile{}, 24 * time.Hour},
	{"requests of a second", engine.Limits{RPM: 60, TPM: 6000}, provider.Profile{RequestWindow: time.Second}, time.Minute},
	{"bucket of tokens", engine.Limits{TPM: 2}, provider.Profile{Shape: provider.Bucket}, time.Minute},
	{"bucket of requests", engine.Limits{RPM: 1, TPM: 100}, provider.Profile{Shape: provider.Bucket}, time.Minute},
	{"tokens of a shifted minute", engine.Limits{TPM: 2}, provider.Profile{Phase: 20 * time.Second}, time.Minute},
	{"requests of a pool", engine.Limits{RPM: 1, TPM: 100}, provider.Profile{Pool: "account"}, time.Minute},
	{"tokens of a pool per day", engine.Limits{TPM: 100, TPD: 2}, provider.Profile{Pool: "account"}, 24 * time.Hour},
}

// exact reports whether a state shows one ended request of one input and one
// output token, and nothing else.
func (c *scarce) exact(st engine.State) bool {
	rounded := int64(0)
	if c.profile.Shape == provider.Bucket {
		rounded = 1 // what a bucket gets back is rounded down, what it shows is rounded up
	}
	return st.Limit(engine.LimitInFlight).Used == 0 && st.Limit(engine.LimitRPM).Used == 1 && st.Limit(engine.LimitTPM).Used >= 2 && st.Limit(engine.LimitTPM).Used <= 2+rounded &&
		(c.limits.InputTPM == 0 || st.Limit(engine.LimitInputTPM).Used == 1) && (c.limits.OutputTPM == 0 || st.Limit(engine.LimitOutputTPM).Used == 1)
}

// TestUndoneAttemptsGiveEverythingBack: at each of many steps there is one
// request to be had and two callers want it, so that attempts are undone at every
// step of an admission. Nothing of them must remain. Built with the tag
// invariants, the callers meet between the steps on any machine.
func TestUndoneAttemptsGiveEverythingBack(t *testing.T) {
	for _, c := range scarcities {
		t.Run(c.name, func(t *testing.T) {
			c.limits.MaxInFlight = places
			d := engine.Deployment{ID: "d", Group: "g", Limits: c.limits, Profile: c.profile}
			v := newVirtual()
			e := start(t, v, engine.LeastUtilized, []engine.Deployment{d})
			g := group(t, e, "g")
			steps := int64(scale(6_000))
			begin, step := v.ns.Load(), int64(c.step)
			one := engine.Demand{InputTokens: 1, OutputTokens: 1}
			var arrived, begun, admitted, left atomic.Int64
			const callers = 2 // more take turns on few cores, and never meet
			par(callers, func(int) {
				for m := int64(1); m <= steps; m++ {
					if arrived.Add(1) == m*callers { // the last one begins the step, at rest
						if m > 1 && (!c.exact(states(e)["d"]) || e.Stats().Held != 0) {
							left.Add(1)
						}
						v.ns.Store(begin + m*step)
						states(e) // turns: a request that meets a turn under way counts in the minute before
						begun.Store(m)
					}
					for spins := 0; begun.Load() < m; spins++ {
						if spins > 1000 {
							runtime.Gosched()
						}
					}
					if l, ok := g.TryAcquire(one); ok {
						admitted.Add(1)
						l.SettleReserved()
					}
				}
			})
			require.Equal(t, steps, admitted.Load())
			require.Zero(t, left.Load(), "steps at whose end more than one request was counted")

			d.Limits, d.Profile = engine.Limits{MaxInFlight: places}, provider.Profile{}
			require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{d}}))
			for range places {
				_, err := g.Acquire(one)
				require.NoError(t, err)
			}
			_, ok := g.TryAcquire(one)
			require.False(t, ok)
		})
	}
}

// TestUndoneForWantOfAPlace: two callers want the one place in flight at the same
// time. The tokens that the refused one had taken are given back.
func TestUndoneForWantOfAPlace(t *testing.T) {
	e := start(t, newVirtual(), engine.LeastUtilized, same(1, "g", engine.Limits{TPM: 1 << 40, InputTPM: 1 << 40, MaxInFlight: 1}))
	g := group(t, e, "g")
	var admitted atomic.Int64
	par(2, func(int) {
		for range scale(40_000) {
			if l, ok := g.TryAcquire(plain(1)); ok {
				admitted.Add(1)
				l.SettleReserved()
			}
		}
	})
	st := states(e)["g0"]
	require.Equal(t, admitted.Load(), st.Limit(engine.LimitTPM).Used)
	require.Equal(t, admitted.Load(), st.Limit(engine.LimitInputTPM).Used)
	require.Equal(t, admitted.Load(), st.Limit(engine.LimitRPM).Used)
	require.Zero(t, st.Limit(engine.LimitInFlight).Used)
}
