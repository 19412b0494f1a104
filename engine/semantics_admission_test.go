package engine_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func TestAdmissionAtTheLimit(t *testing.T) {
	tests := []struct {
		name   string
		limits engine.Limits
		before engine.Usage // recorded first, without a request
		d      engine.Demand
		admits int
	}{
		{"unlimited", engine.Limits{}, engine.Usage{InputTokens: 1 << 30}, exactly(1 << 30), 20},
		{"rpm 1", engine.Limits{RPM: 1}, engine.Usage{}, exactly(0), 1},
		{"rpm 7", engine.Limits{RPM: 7}, engine.Usage{InputTokens: 1 << 30}, exactly(1 << 30), 7},
		{"rpm blocked", engine.Limits{RPM: engine.Blocked}, engine.Usage{}, exactly(0), 0},
		{"tpm filled exactly", engine.Limits{TPM: 100}, engine.Usage{}, exactly(25), 4},
		{"tpm would be passed", engine.Limits{TPM: 99}, engine.Usage{}, exactly(25), 3},
		{"tpm one demand", engine.Limits{TPM: 100}, engine.Usage{}, exactly(100), 1},
		{"tpm one too large", engine.Limits{TPM: 100}, engine.Usage{}, exactly(101), 0},
		{"tpm nothing left", engine.Limits{TPM: 100}, engine.Usage{OutputTokens: 100}, exactly(1), 0},
		{"tpm nothing left, nothing asked", engine.Limits{TPM: 100}, engine.Usage{OutputTokens: 100}, exactly(0), 20},
		{"tpm overrun, nothing asked", engine.Limits{TPM: 100}, engine.Usage{OutputTokens: 101}, exactly(0), 0},
		{"tpm blocked", engine.Limits{TPM: engine.Blocked}, engine.Usage{}, exactly(1), 0},
		{"tpm blocked, nothing asked", engine.Limits{TPM: engine.Blocked}, engine.Usage{}, exactly(0), 20},
		{"tpm input and output", engine.Limits{TPM: 100}, engine.Usage{}, engine.Demand{InputTokens: 20, OutputTokens: 30}, 2},
		{"tpm largest", engine.Limits{TPM: engine.MaxCount}, engine.Usage{}, exactly(engine.MaxCount), 1},
		{"in flight 1", engine.Limits{MaxInFlight: 1}, engine.Usage{}, exactly(5), 1},
		{"in flight 9", engine.Limits{MaxInFlight: 9}, engine.Usage{}, exactly(5), 9},
		{"in flight blocked", engine.Limits{MaxInFlight: engine.Blocked}, engine.Usage{}, exactly(0), 0},
		{"three limits, rpm binds", engine.Limits{RPM: 2, TPM: 100, MaxInFlight: 4}, engine.Usage{}, exactly(25), 2},
		{"three limits, tpm binds", engine.Limits{RPM: 4, TPM: 75, MaxInFlight: 4}, engine.Usage{}, exactly(25), 3},
		{"three limits, in flight binds", engine.Limits{RPM: 4, TPM: 100, MaxInFlight: 1}, engine.Usage{}, exactly(25), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, _ := start(t, one(test.limits))
			g := group(t, e, "chat")
			ref(t, e, "a").Record(test.before)
			admitted := 0
			for range 20 {
				if _, ok := g.TryAcquire(test.d); ok {
					admitted++
				}
			}
			require.Equal(t, test.admits, admitted)

			s := state(t, e, "a")
			cost := test.d.InputTokens + max(0, test.d.OutputTokens)
			require.Equal(t, int64(admitted), s.Limit(engine.LimitRPM).Used, "a refusal counts nothing")
			require.Equal(t, test.before.InputTokens+test.before.OutputTokens+int64(admitted)*cost, s.Limit(engine.LimitTPM).Used)
			require.Equal(t, int64(admitted)*cost, int64(s.Limit(engine.LimitTPM).Held))
			require.Equal(t, int64(admitted), s.Limit(engine.LimitInFlight).Used)
			require.Equal(t, int64(admitted), e.Stats().Admitted)
		})
	}
}

func TestAdmissionUnderContention(t *testing.T) {
	const limit = 500
	tests := []struct {
		name   string
		limits engine.Limits
	}{
		{"rpm", engine.Limits{RPM: limit}},
		{"tpm", engine.Limits{TPM: limit}},
		{"in flight", engine.Limits{MaxInFlight: limit}},
		{"all", engine.Limits{RPM: limit, TPM: limit, MaxInFlight: limit}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, _ := start(t, one(test.limits))
			g := group(t, e, "chat")
			var admitted atomic.Int64
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for range 20 {
						if _, ok := g.TryAcquire(exactly(1)); ok {
							admitted.Add(1)
						}
					}
				})
			}
			wg.Wait()
			require.Equal(t, int64(limit), admitted.Load())
		})
	}
}

// TestInFlightUnderContention: leases come and go, never more than the limit.
func TestInFlightUnderContention(t *testing.T) {
	const limit = 3
	each := 12_000
	if raceEnabled {
		each = 3000
	}
	e, _ := start(t, one(engine.Limits{MaxInFlight: limit}))
	g := group(t, e, "chat")
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range each {
				lease, ok := g.TryAcquire(exactly(0))
				if !ok {
					continue
				}
				n := held.Add(1)
				for m := most.Load(); m < n && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				runtime.Gosched()
				held.Add(-1)
				lease.Release()
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(limit), most.Load())
	require.Zero(t, state(t, e, "a").Limit(engine.LimitInFlight).Used)
}

func TestPreCheck(t *testing.T) {
	limits := engine.Limits{RPM: 3, TPM: 100, MaxInFlight: 1}
	tests := []struct {
		name    string
		prepare func(t *testing.T, e *engine.Engine, a engine.Ref)
		d       engine.Demand
		admits  int
	}{
		{name: "no demand counts requests alone", admits: 3},
		{name: "no demand passes a full tpm", prepare: func(_ *testing.T, _ *engine.Engine, a engine.Ref) {
			a.Record(engine.Usage{OutputTokens: 5000})
		}, admits: 3},
		{name: "tokens are checked and not reserved", d: exactly(100), admits: 3},
		{name: "tokens that do not fit", d: exactly(101), admits: 0},
		{name: "tokens beside recorded ones", prepare: func(_ *testing.T, _ *engine.Engine, a engine.Ref) {
			a.Record(engine.Usage{InputTokens: 60})
		}, d: exactly(40), admits: 3},
		{name: "one token too many beside recorded ones", prepare: func(_ *testing.T, _ *engine.Engine, a engine.Ref) {
			a.Record(engine.Usage{InputTokens: 60})
		}, d: exactly(41), admits: 0},
		{name: "named output counts", d: engine.Demand{InputTokens: 50, OutputTokens: 51}, admits: 0},
		{name: "unnamed output does not", d: engine.Demand{InputTokens: 100}, admits: 3},
		{name: "output is capped", d: engine.Demand{InputTokens: 50, OutputTokens: 90, MaxOutputTokens: 50}, admits: 3},
		{name: "cooling", prepare: func(_ *testing.T, _ *engine.Engine, a engine.Ref) {
			a.Cooldown(time.Second)
		}, admits: 0},
		{name: "disabled", prepare: func(_ *testing.T, _ *engine.Engine, a engine.Ref) {
			a.SetEnabled(false)
		}, admits: 0},
		{name: "tags are ignored", d: engine.Demand{Tags: []string{"eu"}}, admits: 3},
		{name: "in flight is ignored", prepare: func(t *testing.T, e *engine.Engine, _ engine.Ref) {
			acquire(t, group(t, e, "chat"), exactly(0))
		}, admits: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := one(limits)
			cfg.Deployments[0].Order = 5 // ignored too
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "b", Group: "chat"})
			e, _ := start(t, cfg)
			ref(t, e, "b").SetEnabled(false) // so that Acquire goes to a
			a := ref(t, e, "a")
			if test.prepare != nil {
				test.prepare(t, e, a)
			}
			ref(t, e, "b").SetEnabled(true)
			before := state(t, e, "a")
			admitted := 0
			for range 5 {
				if a.PreCheck(test.d) {
					admitted++
				}
			}
			require.Equal(t, test.admits, admitted)
			after := state(t, e, "a")
			require.Equal(t, before.Limit(engine.LimitRPM).Used+int64(admitted), after.Limit(engine.LimitRPM).Used)
			require.Equal(t, before.Limit(engine.LimitTPM).Used, after.Limit(engine.LimitTPM).Used)
			require.Equal(t, before.Limit(engine.LimitInFlight).Used, after.Limit(engine.LimitInFlight).Used)
		})
	}
}

func TestRecordAddsTokensOnly(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPM: 1, TPM: 100}))
	a := ref(t, e, "a")
	a.Record(engine.Usage{InputTokens: 30, OutputTokens: 40})
	require.NoError(t, e.Record("a", engine.Usage{OutputTokens: 20}))
	s := state(t, e, "a")
	require.Equal(t, int64(90), s.Limit(engine.LimitTPM).Used)
	require.Zero(t, s.Limit(engine.LimitRPM).Used)
	require.Zero(t, s.Limit(engine.LimitTPM).Held)
	require.Zero(t, e.Stats().Overrun)
	require.True(t, a.PreCheck(engine.Demand{}), "the request was not counted")

	a.Record(engine.Usage{InputTokens: 40})
	require.Equal(t, int64(130), state(t, e, "a").Limit(engine.LimitTPM).Used, "it may overrun")
	require.Equal(t, int64(30), e.Stats().Overrun)
	clock.Advance(time.Minute)
	a.Record(engine.Usage{InputTokens: 105})
	require.Equal(t, int64(35), e.Stats().Overrun, "of both minutes")
}

func TestPickReservesNothing(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: 1, TPM: 10, MaxInFlight: 1}))
	g := group(t, e, "chat")
	before := state(t, e, "a")
	require.Equal(t, map[string]int{"a": 100}, countPicks(g, exactly(10), 100))
	require.Equal(t, before, state(t, e, "a"))
	require.Zero(t, e.Stats().Admitted)
	require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
	require.Equal(t, map[string]int{"": 100}, countPicks(g, exactly(10), 100), "the request limit is full")
}

// Pick and PreCheck weigh the tokens that are named; Acquire adds what it expects.
func TestUnnamedOutput(t *testing.T) {
	e, _ := start(t, one(engine.Limits{TPM: 100_000}))
	g := group(t, e, "chat")
	whole := engine.Demand{InputTokens: 100_000}
	_, ok := g.Pick(whole)
	require.True(t, ok)
	require.True(t, ref(t, e, "a").PreCheck(whole))
	require.Equal(t, int64(10_256), acquire(t, g, engine.Demand{InputTokens: 10_000}).Reserved())
	_, ok = g.TryAcquire(engine.Demand{InputTokens: 89_700})
	require.False(t, ok, "with what is expected it is 89,956, and 89,744 are left")
	require.Equal(t, int64(89_700), acquire(t, g, exactly(89_700)).Reserved())
}

func TestCountsAreClamped(t *testing.T) {
	tests := []struct {
		name    string
		tokens  int64
		counted int64
		invalid int64
	}{
		{"zero", 0, 0, 0},
		{"largest", engine.MaxCount, engine.MaxCount, 0},
		{"one above", engine.MaxCount + 1, engine.MaxCount, 1},
		{"near 2^63", 1<<63 - 1, engine.MaxCount, 1},
		{"negative", -1, 0, 1},
		{"near -2^63", -1 << 63, 0, 1},
	}
	ways := map[string]func(t *testing.T, e *engine.Engine, tokens int64){
		"Record": func(t *testing.T, e *engine.Engine, n int64) { ref(t, e, "a").Record(engine.Usage{OutputTokens: n}) },
		"Record by name": func(t *testing.T, e *engine.Engine, n int64) {
			require.NoError(t, e.Record("a", engine.Usage{InputTokens: n}))
		},
		"Settle": func(t *testing.T, e *engine.Engine, n int64) {
			acquire(t, group(t, e, "chat"), exactly(7)).Settle(engine.Usage{InputTokens: n})
		},
		"Add": func(t *testing.T, e *engine.Engine, n int64) {
			lease := acquire(t, group(t, e, "chat"), exactly(0))
			lease.Add(n)
			lease.SettleReserved()
		},
	}
	for _, test := range tests {
		for way, use := range ways {
			t.Run(way+"/"+test.name, func(t *testing.T) {
				e, _ := start(t, one(engine.Limits{}))
				use(t, e, test.tokens)
				require.Equal(t, test.counted, state(t, e, "a").Limit(engine.LimitTPM).Used)
				require.Equal(t, test.invalid, e.Stats().Invalid)
			})
		}
	}
}

func TestCounterSaturates(t *testing.T) {
	e, _ := start(t, one(engine.Limits{}))
	a := ref(t, e, "a")
	for range 1 << 11 {
		a.Record(engine.Usage{InputTokens: engine.MaxCount})
	}
	require.Equal(t, int64(1)<<43, state(t, e, "a").Limit(engine.LimitTPM).Used)
}
