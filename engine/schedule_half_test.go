//go:build invariants

package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// halfWay is a deployment of 20 tokens, of which an attempt takes 10 before another limit
// refuses it.
type halfWay struct {
	name     string
	limits   engine.Limits
	low      int // the attempt's class; the lower one may use half of two places
	switches int
}

// halfWays refuse by each dimension after each other one that is reserved before it. A
// place that is free again when the demand comes takes one more switch of callers.
var halfWays = []halfWay{
	{"tokens, a class's requests", engine.Limits{TPM: 20, RPM: 2}, 1, 2},
	{"tokens, a class's requests per day", engine.Limits{TPM: 20, RPD: 2}, 1, 2},
	{"tokens, a class's places in flight", engine.Limits{TPM: 20, MaxInFlight: 2}, 1, 2},
	{"input, a class's requests", engine.Limits{InputTPM: 20, RPM: 2}, 1, 2},
	{"tokens per hour, a class's requests per hour", engine.Limits{TPH: 20, RPH: 2}, 1, 2},
	{"tokens per day, a class's requests", engine.Limits{TPD: 20, RPM: 2}, 1, 2},
	{"tokens, places in flight", engine.Limits{TPM: 20, MaxInFlight: 1}, 0, 3},
	{"input, places in flight", engine.Limits{InputTPM: 20, MaxInFlight: 1}, 0, 3},
}

// TestRefusalSeesNoAttemptHalfWay: an attempt that its last limit refuses holds ten of
// twenty tokens for a moment. No demand for fifteen is refused for that by Acquire,
// PreCheck or Pick.
func TestRefusalSeesNoAttemptHalfWay(t *testing.T) {
	for name, ask := range map[string]func(e *engine.Engine, g *engine.Group, d engine.Demand) bool{
		"acquire":  func(_ *engine.Engine, g *engine.Group, d engine.Demand) bool { _, ok := g.TryAcquire(d); return ok },
		"precheck": func(e *engine.Engine, _ *engine.Group, d engine.Demand) bool { return e.PreCheck("a", d) == nil },
		"pick":     func(_ *engine.Engine, g *engine.Group, d engine.Demand) bool { _, ok := g.Pick(d); return ok },
	} {
		if raceEnabled && name != "acquire" { // one goroutine at a time
			continue
		}
		undone := 0
		for _, c := range halfWays {
			if c.switches > 2 && (raceEnabled || testing.Short() && name != "acquire") { // one goroutine at a time
				continue
			}
			t.Run(name+"/"+c.name, func(t *testing.T) {
				interleave(t, c.switches, func(t *testing.T) (first, second, check func()) {
					cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: c.limits}, {ID: "b", Group: "chat", Limits: c.limits}}}
					if c.low != 0 {
						cfg.PriorityShare, cfg.Deployments = []float64{1, 0.5}, cfg.Deployments[:1]
					}
					e, _ := start(t, cfg)
					g := group(t, e, "chat")
					var other []engine.Ref // where the attempt goes when the place is lost
					if c.low == 0 {
						other = []engine.Ref{ref(t, e, "b")}
						other[0].Record(engine.Usage{InputTokens: 1})
					}
					var taken engine.Lease
					var ok, answered bool
					first = func() {
						taken, ok = g.TryAcquire(engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput, Priority: c.low}) //nolint:govet // moved
					}
					second = func() {
						l, _ := g.TryAcquire(engine.Demand{OutputTokens: engine.NoOutput, Priority: c.low, Exclude: other})
						if c.low == 0 {
							l.Settle(engine.Usage{InputTokens: 5})
						}
						answered = ask(e, g, engine.Demand{InputTokens: 15, OutputTokens: engine.NoOutput, Exclude: other})
					}
					return first, second, func() {
						onA := ok && taken.Ref().ID() == "a"
						if e.Stats().Contended == 0 { // the schedule kept the first from going on
							require.True(t, onA || answered, "neither is admitted")
						}
						if !onA {
							undone++
						}
					}
				})
			})
		}
		require.Positive(t, undone)
	}
}
