package engine_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// fine is a valid config of five deployments for a test to break.
func fine() engine.Config {
	cfg := engine.Config{Aliases: map[string]string{"default": "chat"}}
	for i := range 5 {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: engine.Limits{RPM: 10, TPM: 1000}})
	}
	return cfg
}

// TestBadConfig: Validate, New and Apply return the same error, which names the field.
// Apply then leaves the engine as it was.
func TestBadConfig(t *testing.T) {
	type edit = func(*engine.Config)
	on3 := func(change func(*engine.Deployment)) edit {
		return func(c *engine.Config) { change(&c.Deployments[3]) }
	}
	limits := func(l engine.Limits) edit { return on3(func(d *engine.Deployment) { d.Limits = l }) }
	weight := func(w float64) edit { return on3(func(d *engine.Deployment) { d.Weight = w }) }
	classes := func(shares ...float64) edit { return func(c *engine.Config) { c.PriorityShare = shares } }
	aliases := func(a map[string]string) edit { return func(c *engine.Config) { c.Aliases = a } }
	tests := []struct {
		name string
		edit edit
		want []string // all in the message
	}{
		{"nothing at all", func(c *engine.Config) { *c = engine.Config{} }, []string{"Deployments"}},
		{"no deployments", func(c *engine.Config) { c.Deployments = nil; c.Aliases = nil }, []string{"Deployments"}},
		{"too many deployments", func(c *engine.Config) {
			for i := len(c.Deployments); i < engine.MaxDeployments+1; i++ {
				c.Deployments = append(c.Deployments, engine.Deployment{ID: id(i), Group: "chat"})
			}
		}, []string{"Deployments", "10000"}},
		{"empty ID", on3(func(d *engine.Deployment) { d.ID = "" }), []string{"Deployments[3]", "ID"}},
		{"duplicate ID", on3(func(d *engine.Deployment) { d.ID = id(1) }), []string{"Deployments[3]", "ID", id(1)}},
		{"empty group", on3(func(d *engine.Deployment) { d.Group = "" }), []string{"Deployments[3]", "Group"}},
		{"negative rpm", limits(engine.Limits{RPM: -2}), []string{"Deployments[3]", "Limits.RPM", "-2"}},
		{"negative tpm", limits(engine.Limits{TPM: -1000}), []string{"Deployments[3]", "Limits.TPM", "-1000"}},
		{"negative in flight", limits(engine.Limits{MaxInFlight: math.MinInt64}), []string{"Deployments[3]", "Limits.MaxInFlight"}},
		{"absurd rpm", limits(engine.Limits{RPM: engine.MaxCount + 1}), []string{"Deployments[3]", "Limits.RPM"}},
		{"absurd tpm", limits(engine.Limits{TPM: math.MaxInt64}), []string{"Deployments[3]", "Limits.TPM"}},
		{"absurd in flight", limits(engine.Limits{MaxInFlight: math.MaxInt64}), []string{"Deployments[3]", "Limits.MaxInFlight"}},
		{"empty tag", on3(func(d *engine.Deployment) { d.Tags = []string{"eu", ""} }), []string{"Deployments[3]", "Tags[1]"}},
		{"negative weight", weight(-0.5), []string{"Deployments[3]", "Weight"}},
		{"weight not a number", weight(math.NaN()), []string{"Deployments[3]", "Weight"}},
		{"infinite weight", weight(math.Inf(1)), []string{"Deployments[3]", "Weight"}},
		{"negative infinite weight", weight(math.Inf(-1)), []string{"Deployments[3]", "Weight"}},
		{"unknown strategy", func(c *engine.Config) { c.Strategy = 77 }, []string{"Strategy", "77"}},
		{"negative expected output", func(c *engine.Config) { c.ExpectedOutput = -1 }, []string{"ExpectedOutput", "-1"}},
		{"absurd expected output", func(c *engine.Config) { c.ExpectedOutput = math.MaxInt64 }, []string{"ExpectedOutput"}},
		{"quantile not a number", func(c *engine.Config) { c.OutputQuantile = math.NaN() }, []string{"OutputQuantile", "NaN"}},
		{"quantile too low", func(c *engine.Config) { c.OutputQuantile = 0.49 }, []string{"OutputQuantile", "0.49"}},
		{"quantile of all", func(c *engine.Config) { c.OutputQuantile = 1 }, []string{"OutputQuantile", "0.99"}},
		{"first class held back", classes(0.9, 0.5), []string{"PriorityShare[0]", "0.9"}},
		{"class not a number", classes(1, math.NaN()), []string{"PriorityShare[1]", "NaN"}},
		{"first class not a number", classes(math.NaN()), []string{"PriorityShare[0]", "NaN"}},
		{"class of nothing", classes(1, 0.5, 0), []string{"PriorityShare[2]", "0"}},
		{"class of less", classes(1, -0.5), []string{"PriorityShare[1]", "-0.5"}},
		{"class of more", classes(1, 1.1), []string{"PriorityShare[1]", "1.1"}},
		{"class above the one before", classes(1, 0.5, 0.6), []string{"PriorityShare[2]", "0.6", "0.5"}},
		{"too many classes", classes(make([]float64, 17)...), []string{"PriorityShare", "17", "16"}},
		{"negative waiters", func(c *engine.Config) { c.MaxWaiters = -1 }, []string{"MaxWaiters", "-1"}},
		{"absurd waiters", func(c *engine.Config) { c.MaxWaiters = engine.MaxWaiters + 1 }, []string{"MaxWaiters", "1000000"}},
		{"negative lease ttl", func(c *engine.Config) { c.LeaseTTL = -time.Second }, []string{"LeaseTTL"}},
		{"lease ttl too short", func(c *engine.Config) { c.LeaseTTL = time.Minute - 1 }, []string{"LeaseTTL"}},
		{"lease ttl too long", func(c *engine.Config) { c.LeaseTTL = 24*time.Hour + 1 }, []string{"LeaseTTL"}},
		{"alias of nothing", aliases(map[string]string{"mini": "gpt-4o-mini"}), []string{"Aliases", "mini", "gpt-4o-mini"}},
		{"alias of no name", aliases(map[string]string{"mini": ""}), []string{"Aliases", "mini"}},
		{"alias without a name", aliases(map[string]string{"": "chat"}), []string{"Aliases"}},
		{"alias named like a group", aliases(map[string]string{"chat": "chat"}), []string{"Aliases", "chat"}},
		{"alias of itself", aliases(map[string]string{"me": "me"}), []string{"Aliases", "me"}},
		{"aliases in a loop", aliases(map[string]string{"x": "y", "y": "z", "z": "x"}), []string{"Aliases", "x", "y", "z"}},
		{"alias into a loop", aliases(map[string]string{"in": "x", "x": "y", "y": "x", "ok": "chat"}), []string{"Aliases", "x", "y"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bad := fine()
			test.edit(&bad)
			err := bad.Validate()
			for _, part := range test.want {
				require.ErrorContains(t, err, part)
			}
			got, newErr := engine.New(bad)
			require.Nil(t, got)
			require.EqualError(t, newErr, err.Error())

			e, _ := start(t, fine())
			record(t, e, id(2), 500)
			before := e.AppendStates(nil)
			applyErr := e.Apply(bad)
			for _, part := range test.want {
				require.ErrorContains(t, applyErr, part)
			}
			require.Equal(t, before, e.AppendStates(nil))
			require.Equal(t, 4, len(countPicks(group(t, e, "default"), exactly(1), 200)))
		})
	}
}

// TestBadConfigAllAtOnce: every problem is reported, each as an error of its own.
func TestBadConfigAllAtOnce(t *testing.T) {
	bad := fine()
	bad.Deployments[0].Limits.RPM = -5
	bad.Deployments[0].Limits.TPM = -6
	bad.Deployments[1].ID = ""
	bad.Deployments[2].Group = ""
	bad.Deployments[3].Weight = math.NaN()
	bad.Deployments[4].ID = bad.Deployments[3].ID
	bad.Strategy = 99
	bad.ExpectedOutput = -1
	bad.LeaseTTL = -1
	bad.Aliases["nowhere"] = "nobody"
	err := bad.Validate()
	for _, part := range []string{
		"Deployments[0]", "Limits.RPM", "Limits.TPM", "Deployments[1]", "Deployments[2]", "Deployments[3]", "Deployments[4]",
		"Strategy", "ExpectedOutput", "LeaseTTL", "Aliases",
	} {
		require.ErrorContains(t, err, part)
	}
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "joined errors")
	require.Len(t, joined.Unwrap(), 10)
	require.Len(t, strings.Split(err.Error(), "\n"), 10)
}

func TestGoodConfig(t *testing.T) {
	tests := []struct {
		name string
		edit func(*engine.Config)
	}{
		{"plain", func(*engine.Config) {}},
		{"odd names", func(c *engine.Config) {
			c.Deployments[0].ID, c.Deployments[0].Group = "a:b c/é\x00", " "
			c.Aliases = map[string]string{"x:y": " "}
		}},
		{"alias named like a deployment", func(c *engine.Config) { c.Aliases = map[string]string{id(1): "chat"} }},
		{"chain of aliases", func(c *engine.Config) { c.Aliases = map[string]string{"a": "b", "b": "c", "c": "chat"} }},
		{"every limit blocked", func(c *engine.Config) {
			c.Deployments[0].Limits = engine.Limits{RPM: engine.Blocked, TPM: engine.Blocked, MaxInFlight: engine.Blocked}
		}},
		{"largest limits", func(c *engine.Config) {
			c.Deployments[0].Limits = engine.Limits{RPM: engine.MaxCount, TPM: engine.MaxCount, MaxInFlight: engine.MaxCount}
		}},
		{"every strategy number", func(c *engine.Config) { c.Strategy = engine.Weighted }},
		{"extreme weights", func(c *engine.Config) {
			c.Strategy = engine.Weighted
			c.Deployments[0].Weight, c.Deployments[1].Weight = math.MaxFloat64, math.MaxFloat64
			c.Deployments[2].Weight = math.SmallestNonzeroFloat64
		}},
		{"extreme orders", func(c *engine.Config) { c.Deployments[0].Order, c.Deployments[1].Order = math.MinInt, math.MaxInt }},
		{"shortest lease ttl", func(c *engine.Config) { c.LeaseTTL = time.Minute }},
		{"longest lease ttl", func(c *engine.Config) { c.LeaseTTL = 24 * time.Hour }},
		{"one tag twice", func(c *engine.Config) { c.Deployments[0].Tags = []string{"eu", "eu"} }},
		{"as many deployments as there may be", func(c *engine.Config) {
			for i := len(c.Deployments); i < engine.MaxDeployments; i++ {
				c.Deployments = append(c.Deployments, engine.Deployment{ID: id(i), Group: "chat"})
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := fine()
			test.edit(&cfg)
			require.NoError(t, cfg.Validate())
			e, _ := start(t, cfg)
			require.Len(t, e.AppendStates(nil), len(cfg.Deployments))
			for range 20 {
				_, ok := group(t, e, cfg.Deployments[4].Group).TryAcquire(exactly(1))
				require.True(t, ok)
			}
		})
	}
}

// TestConfigIsCopied: changes that the caller makes to its Config later have no effect.
func TestConfigIsCopied(t *testing.T) {
	cfg := one(engine.Limits{})
	cfg.Deployments[0].Tags = []string{"eu"}
	cfg.Aliases = map[string]string{"default": "chat"}
	e, _ := start(t, cfg)
	cfg.Deployments[0].Tags[0] = "us"
	cfg.Deployments[0].ID = "z"
	cfg.Aliases["default"] = "gone"
	id, err := e.Pick("default", engine.Demand{Tags: []string{"eu"}})
	require.NoError(t, err)
	require.Equal(t, "a", id)
}

// TestFixedByNew: the clock and the leases' TTL cannot be changed later.
func TestFixedByNew(t *testing.T) {
	clock := window.NewClockFrom(newHandClock(firstMinute).Now)
	cfg := fine()
	cfg.Clock, cfg.LeaseTTL = clock, time.Hour
	e, err := engine.New(cfg)
	require.NoError(t, err)
	require.NoError(t, e.Apply(cfg), "the same values")
	cfg.Clock, cfg.LeaseTTL = nil, 0
	require.NoError(t, e.Apply(cfg), "no values")
	cfg.LeaseTTL = 2 * time.Hour
	require.ErrorContains(t, e.Apply(cfg), "LeaseTTL")
	cfg.LeaseTTL, cfg.Clock = 0, window.NewClock()
	require.ErrorContains(t, e.Apply(cfg), "Clock")
}

// TestBadDemand: a demand out of range is refused, counted as invalid, and
// changes nothing.
func TestBadDemand(t *testing.T) {
	tests := []struct {
		name string
		d    engine.Demand
		ok   bool
	}{
		{"nothing", engine.Demand{}, true},
		{"no output", exactly(0), true},
		{"largest", engine.Demand{InputTokens: engine.MaxCount, OutputTokens: engine.MaxCount, MaxOutputTokens: engine.MaxCount}, true},
		{"negative input", engine.Demand{InputTokens: -1}, false},
		{"least input", engine.Demand{InputTokens: math.MinInt64}, false},
		{"input one too many", exactly(engine.MaxCount + 1), false},
		{"most input", exactly(math.MaxInt64), false},
		{"negative output", engine.Demand{OutputTokens: -2}, false},
		{"output one too many", engine.Demand{OutputTokens: engine.MaxCount + 1}, false},
		{"most output", engine.Demand{OutputTokens: math.MaxInt64}, false},
		{"most output, capped", engine.Demand{OutputTokens: math.MaxInt64, MaxOutputTokens: 5}, false},
		{"negative cap", engine.Demand{MaxOutputTokens: -1}, false},
		{"most cap", engine.Demand{MaxOutputTokens: math.MaxInt64}, false},
		{"sum beyond 2^63", engine.Demand{InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, one(engine.Limits{}))
			g, a := group(t, e, "chat"), ref(t, e, "a")
			want := int64(0)
			check := func(name string, ok bool, err error) {
				t.Helper()
				if !test.ok {
					want++
					require.ErrorIs(t, err, engine.ErrInvalidDemand, name)
				}
				require.Equal(t, test.ok, ok, name)
				require.Equal(t, want, e.Stats().Invalid, name)
				clock.Advance(time.Minute) // counters saturate at twice the largest count
			}
			refused := engine.ErrInvalidDemand // a handle has no error to give
			_, ok := g.Pick(test.d)
			check("Group.Pick", ok, refused)
			_, ok = g.TryAcquire(test.d)
			check("TryAcquire", ok, refused)
			_, err := g.Acquire(test.d)
			check("Acquire", err == nil, err)
			check("Ref.PreCheck", a.PreCheck(test.d), refused)
			_, err = e.Pick("chat", test.d)
			check("Pick by name", err == nil, err)
			err = e.PreCheck("a", test.d)
			check("PreCheck by name", err == nil, err)
			if !test.ok {
				s := state(t, e, "a")
				require.Zero(t, s.Limit(engine.LimitRPM).Used)
				require.Zero(t, s.Limit(engine.LimitTPM).Used)
				require.Zero(t, s.Limit(engine.LimitInFlight).Used)
			}
		})
	}
}

// TestClockBackwards: a clock that goes back opens no window again, loses no
// count and ends with its own time once it has caught up.
func TestClockBackwards(t *testing.T) {
	for _, back := range []time.Duration{time.Millisecond, 30 * time.Second, 5 * time.Minute, 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			e, clock := start(t, one(engine.Limits{RPM: 3, TPM: 100}))
			a := ref(t, e, "a")
			clock.Advance(time.Minute)
			require.True(t, a.PreCheck(engine.Demand{}))
			a.Record(engine.Usage{InputTokens: 60})
			clock.Advance(-back)
			require.True(t, a.PreCheck(exactly(40)))
			require.False(t, a.PreCheck(exactly(41)))
			lease := acquire(t, group(t, e, "chat"), exactly(40))
			require.False(t, a.PreCheck(engine.Demand{}))
			lease.Settle(engine.Usage{InputTokens: 5})
			requests, tokens := own(e, firstMinute.Add(time.Minute), "a")
			require.Equal(t, [2]int64{3, 65}, [2]int64{requests, tokens})
			clock.Advance(back + time.Minute)
			require.True(t, a.PreCheck(exactly(100)))
		})
	}
}

// TestOddCooldowns: extreme durations do not overflow; the longest lasts, negative ones end a cooldown.
func TestOddCooldowns(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	a := ref(t, e, "a")
	a.Cooldown(math.MaxInt64)
	require.False(t, a.PreCheck(engine.Demand{}))
	require.Positive(t, state(t, e, "a").CoolingFor)
	clock.Advance(240 * time.Hour)
	require.False(t, a.PreCheck(engine.Demand{}))
	a.Cooldown(-time.Second)
	require.True(t, a.PreCheck(engine.Demand{}), "one already over")
	a.Cooldown(math.MinInt64)
	require.True(t, a.PreCheck(engine.Demand{}))
}
