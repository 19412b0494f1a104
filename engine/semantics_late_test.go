package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func atEnd(l engine.Limits) engine.Config {
	return profiled(l, provider.Profile{OutputAtEnd: true})
}

func expecting(input, output int64) engine.Demand {
	return engine.Demand{InputTokens: input, OutputTokens: output}
}

// TestOutputCountsInTheMinuteInWhichACallEnds: and what is expected of it in
// each before that.
func TestOutputCountsInTheMinuteInWhichACallEnds(t *testing.T) {
	e, clock := start(t, atEnd(engine.Limits{TPM: 1000}))
	g := group(t, e, "chat")
	l := acquire(t, g, expecting(300, 200))
	require.EqualValues(t, 500, state(t, e, "a").Tokens)
	require.EqualValues(t, 200, state(t, e, "a").HeldTokens)
	for range 3 {
		clock.Advance(time.Minute)
		require.EqualValues(t, 200, state(t, e, "a").Tokens)
		require.True(t, refusal(t, g, exactly(1001)).Never)
		require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(801)).Limit)
	}
	l.Add(50)
	require.EqualValues(t, 250, state(t, e, "a").Tokens)
	acquire(t, g, exactly(700)).Settle(engine.Usage{InputTokens: 700})
	l.Settle(engine.Usage{InputTokens: 300, OutputTokens: 220})
	require.EqualValues(t, 920, state(t, e, "a").Tokens)
	clock.Advance(time.Minute)
	require.Zero(t, state(t, e, "a").Tokens)
	require.EqualValues(t, 300+220+700, e.Stats().Tokens)
}

func TestAnOutputCarriedIsNotTwiceThere(t *testing.T) {
	for _, end := range []func(*engine.Lease){
		(*engine.Lease).Release,
		func(l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 100}) },
		func(l *engine.Lease) { l.Observe(limited(time.Second)); l.Settle(engine.Usage{}) },
	} {
		for minutes := range time.Duration(4) {
			e, clock := start(t, atEnd(engine.Limits{TPM: 1000}))
			l := acquire(t, group(t, e, "chat"), expecting(100, 400))
			clock.Advance(minutes * time.Minute)
			e.AppendStates(nil)
			end(l)
			if minutes > 0 {
				require.Zero(t, state(t, e, "a").Tokens)
			}
		}
	}
}

// TestOutputAtEndModel holds the counters against what every minute comes to:
// input admitted in it, output of calls that ended in it, and what is expected of
// those under way. No admission passes the limit, and none that fits is refused.
func TestOutputAtEndModel(t *testing.T) {
	const limit = 2000
	type call struct {
		lease           *engine.Lease
		input, expected int64
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		cfg := atEnd(engine.Limits{TPM: limit})
		cfg.LeaseTTL = 24 * time.Hour // an expired lease is carried no more
		e, clock := start(t, cfg)
		g := group(t, e, "chat")
		var calls []call
		var ended, pending int64 // of the present minute: what is certain; of calls under way
		for range 300 {
			switch n := r.IntN(10); {
			case n == 0:
				clock.Advance(time.Duration(1+r.IntN(3)/2) * time.Minute)
				ended = 0
			case n < 5:
				c := call{input: r.Int64N(300), expected: 1 + r.Int64N(300)}
				l, ok := g.TryAcquire(expecting(c.input, c.expected))
				require.Equal(t, ended+pending+c.input+c.expected <= limit, ok)
				if ok {
					c.lease = &l
					calls = append(calls, c)
					ended, pending = ended+c.input, pending+c.expected
				}
			case len(calls) > 0:
				i := r.IntN(len(calls))
				c := calls[i]
				calls = append(calls[:i], calls[i+1:]...)
				pending -= c.expected
				switch r.IntN(3) {
				case 0:
					c.lease.SettleReserved()
					ended += c.expected
				default:
					out := r.Int64N(2 * c.expected)
					c.lease.Settle(engine.Usage{InputTokens: c.input, OutputTokens: out})
					ended += out
				}
			}
			require.Equal(t, ended+pending, state(t, e, "a").Tokens, "seed %d", seed)
		}
	}
}
