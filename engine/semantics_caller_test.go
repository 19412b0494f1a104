package engine_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// called is two deployments "a" and "b" in group "chat" with limits, and a caller "team"
// with others.
func called(deployments, caller engine.Limits) engine.Config {
	return engine.Config{
		Deployments: []engine.Deployment{
			{ID: "a", Group: "chat", Limits: deployments},
			{ID: "b", Group: "chat", Limits: deployments},
		},
		Callers: []engine.Caller{{ID: "team", Limits: caller}},
	}
}

func callerRef(t testing.TB, e *engine.Engine, id string) engine.CallerRef {
	t.Helper()
	r, err := e.CallerRef(id)
	require.NoError(t, err)
	require.Equal(t, id, r.ID())
	return r
}

func by(r engine.CallerRef, d engine.Demand) engine.Demand {
	d.Caller = r
	return d
}

func callerState(t testing.TB, e *engine.Engine, id string) engine.State {
	t.Helper()
	for _, s := range e.AppendCallerStates(nil) {
		if s.ID == id {
			return s
		}
	}
	require.Failf(t, "no state", "caller %q", id)
	return engine.State{}
}

// requireUntouched checks that nothing is used, of neither side.
func requireUntouched(t testing.TB, e *engine.Engine) {
	t.Helper()
	for _, s := range append(e.AppendStates(nil), e.AppendCallerStates(nil)...) {
		require.Zero(t, s.Limit(engine.LimitRPM).Used, s.ID)
		require.Zero(t, s.Limit(engine.LimitTPM).Used, s.ID)
		require.Zero(t, s.Limit(engine.LimitInFlight).Used, s.ID)
		require.Zero(t, s.Limit(engine.LimitRPD).Used, s.ID)
		require.Zero(t, s.Limit(engine.LimitTPD).Used, s.ID)
	}
}

// TestCallerLimits: each limit of a caller refuses by its own name, with the exact time
// to wait, and a refusal leaves no trace on either side.
func TestCallerLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits engine.Limits
		limit  engine.Limit
		after  time.Duration
		fits   int // requests of 10 tokens of input and 5 of output
	}{
		"rpm":       {engine.Limits{RPM: 3}, engine.LimitRPM, 48 * time.Second, 3},
		"tpm":       {engine.Limits{TPM: 35}, engine.LimitTPM, 48 * time.Second, 2},
		"input":     {engine.Limits{InputTPM: 29}, engine.LimitInputTPM, 48 * time.Second, 2},
		"output":    {engine.Limits{OutputTPM: 20}, engine.LimitOutputTPM, 48 * time.Second, 4},
		"rpd":       {engine.Limits{RPD: 2}, engine.LimitRPD, 11*time.Hour + 25*time.Minute + 48*time.Second, 2},
		"tpd":       {engine.Limits{TPD: 30}, engine.LimitTPD, 11*time.Hour + 25*time.Minute + 48*time.Second, 2},
		"in flight": {engine.Limits{MaxInFlight: 2}, engine.LimitInFlight, 500 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := startAt(t, firstMinute.Add(12*time.Second), called(engine.Limits{TPM: 1 << 30}, c.limits))
			g, team := group(t, e, "chat"), callerRef(t, e, "team")
			d := by(team, engine.Demand{InputTokens: 10, OutputTokens: 5})
			var leases []*engine.Lease
			for range c.fits {
				leases = append(leases, acquire(t, g, d))
			}
			before := append(e.AppendStates(nil), e.AppendCallerStates(nil)...)
			got := refusal(t, g, d)
			require.Equal(t, "team", got.Caller)
			require.Empty(t, got.Deployment)
			require.Equal(t, "chat", got.Group)
			require.Equal(t, c.limit, got.Limit)
			require.Equal(t, c.after, got.RetryAfter)
			require.False(t, got.Never)
			require.Contains(t, got.Error(), `caller "team" refused by its `+c.limit.String())
			require.Len(t, got.States, 1)
			require.Equal(t, callerState(t, e, "team"), got.States[0])
			_, ok := g.TryAcquire(d)
			require.False(t, ok)
			_, ok = g.Pick(d)
			require.False(t, ok)
			require.Equal(t, before, append(e.AppendStates(nil), e.AppendCallerStates(nil)...))
			acquire(t, g, engine.Demand{InputTokens: 10, OutputTokens: 5}).Release() // of no caller
			for _, l := range leases {
				l.Release()
			}
			requireUntouched(t, e)
		})
	}
}

// TestCallerBothOrNeither: where the deployments refuse, the caller is charged nothing.
func TestCallerBothOrNeither(t *testing.T) {
	e, clock := start(t, called(engine.Limits{RPM: 1, TPM: 100}, engine.Limits{RPM: 10, TPM: 1000, RPD: 10, MaxInFlight: 10}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	acquire(t, g, by(team, exactly(100)))
	acquire(t, g, by(team, exactly(100)))
	for range 5 {
		got := refusal(t, g, by(team, exactly(100)))
		require.Empty(t, got.Caller, "a deployment's limit")
		require.NotEmpty(t, got.Deployment)
	}
	s := callerState(t, e, "team")
	require.EqualValues(t, 2, s.Limit(engine.LimitRPM).Used)
	require.EqualValues(t, 200, s.Limit(engine.LimitTPM).Used)
	require.EqualValues(t, 2, s.Limit(engine.LimitRPD).Used)
	require.EqualValues(t, 2, s.Limit(engine.LimitInFlight).Used)
	clock.Advance(time.Minute)
	require.Zero(t, callerState(t, e, "team").Limit(engine.LimitRPM).Used)
	require.EqualValues(t, 2, callerState(t, e, "team").Limit(engine.LimitRPD).Used)
	require.EqualValues(t, 2, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
	acquire(t, g, by(team, exactly(100)))
}

// TestCallerLease: every ending of a lease changes the caller's usage as it does the
// deployment's.
func TestCallerLease(t *testing.T) {
	limits := engine.Limits{RPM: 10, TPM: 1000, InputTPM: 1000, OutputTPM: 1000, RPD: 10, TPD: 1000, MaxInFlight: 5}
	e, clock := start(t, called(limits, limits))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	d := by(team, engine.Demand{InputTokens: 40, OutputTokens: 10})
	want := func(requests, input, output, held int64) {
		t.Helper()
		s := callerState(t, e, "team")
		require.Equal(t, requests, s.Limit(engine.LimitRPM).Used)
		require.Equal(t, requests, s.Limit(engine.LimitRPD).Used)
		require.Equal(t, input+output, s.Limit(engine.LimitTPM).Used)
		require.Equal(t, input+output, s.Limit(engine.LimitTPD).Used)
		require.Equal(t, input, s.Limit(engine.LimitInputTPM).Used)
		require.Equal(t, output, s.Limit(engine.LimitOutputTPM).Used)
		require.Equal(t, held, s.Limit(engine.LimitInFlight).Used)
	}
	l := acquire(t, g, d)
	want(1, 40, 10, 1)
	require.EqualValues(t, 50, callerState(t, e, "team").Limit(engine.LimitTPM).Held)
	l.Add(7)
	want(1, 40, 17, 1)
	l.Settle(engine.Usage{InputTokens: 41, OutputTokens: 12})
	want(1, 41, 12, 0)
	require.Zero(t, callerState(t, e, "team").Limit(engine.LimitTPM).Held)
	l.Settle(engine.Usage{InputTokens: 1})
	l.Release()
	want(1, 41, 12, 0)
	l = acquire(t, g, d)
	l.SettleReserved()
	want(2, 81, 22, 0)
	l = acquire(t, g, d)
	l.Settle(engine.Usage{}) // the call failed: it is a request
	want(3, 81, 22, 0)
	l = acquire(t, g, d)
	l.Observe(provider.Signal{Kind: provider.RateLimit})
	l.Settle(engine.Usage{}) // the provider refused it: it may be tried again
	want(3, 81, 22, 0)
	l = acquire(t, g, d)
	clock.Advance(time.Minute)
	l.Settle(engine.Usage{InputTokens: 60, OutputTokens: 10})
	s := callerState(t, e, "team")
	require.Zero(t, s.Limit(engine.LimitTPM).Used, "it is of the minute before")
	require.EqualValues(t, 173, s.Limit(engine.LimitTPD).Used)
}

// TestCallerExpired: a caller's lease that never ends stops counting as in flight.
func TestCallerExpired(t *testing.T) {
	e, clock := start(t, called(engine.Limits{}, engine.Limits{MaxInFlight: 1}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	l := acquire(t, g, by(team, exactly(1)))
	require.Equal(t, engine.LimitInFlight, refusal(t, g, by(team, exactly(1))).Limit)
	clock.Advance(17 * time.Minute)
	second := acquire(t, g, by(team, exactly(1)))
	l.Release()
	require.EqualValues(t, 1, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
	require.Equal(t, engine.LimitInFlight, refusal(t, g, by(team, exactly(1))).Limit)
	second.Release()
	require.Zero(t, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
	require.EqualValues(t, 1, e.Stats().Expired, "of the deployment, once")
}

// TestCallerProfile: a caller is charged by its own rule.
func TestCallerProfile(t *testing.T) {
	cfg := called(engine.Limits{TPM: 1000}, engine.Limits{TPM: 100})
	cfg.Callers[0].Profile = provider.Profile{Weights: provider.Weights{Input: 1, Output: 4}}
	e, _ := start(t, cfg)
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	l := acquire(t, g, by(team, engine.Demand{InputTokens: 20, OutputTokens: 10}))
	l.Settle(engine.Usage{InputTokens: 20, OutputTokens: 15})
	require.EqualValues(t, 80, callerState(t, e, "team").Limit(engine.LimitTPM).Used)
	require.EqualValues(t, 35, state(t, e, "a").Limit(engine.LimitTPM).Used+state(t, e, "b").Limit(engine.LimitTPM).Used)

	cfg.Callers[0].Profile = provider.Profile{Shape: provider.Bucket}
	cfg.Callers[0].Limits = engine.Limits{RPM: 60}
	e, clock := start(t, cfg)
	g, team = group(t, e, "chat"), callerRef(t, e, "team")
	for range 60 {
		acquire(t, g, by(team, exactly(1)))
	}
	got := refusal(t, g, by(team, exactly(1)))
	require.Equal(t, "team", got.Caller)
	require.Equal(t, time.Second, got.RetryAfter)
	clock.Advance(time.Second)
	acquire(t, g, by(team, exactly(1)))
}

// TestCallerExpectedOutput: an output that the demand leaves open is expected of a caller
// as it is of the group, and cut to what the caller may ever use.
func TestCallerExpectedOutput(t *testing.T) {
	e, _ := start(t, called(engine.Limits{}, engine.Limits{TPM: 100_000}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	for range 20 {
		l := acquire(t, g, engine.Demand{InputTokens: 10})
		l.Settle(engine.Usage{InputTokens: 10, OutputTokens: 90})
	}
	acquire(t, g, by(team, engine.Demand{InputTokens: 10}))
	require.EqualValues(t, 100, callerState(t, e, "team").Limit(engine.LimitTPM).Used)
	cfg := called(engine.Limits{}, engine.Limits{TPM: 150})
	require.NoError(t, e.Apply(cfg))
	require.EqualValues(t, 100, callerState(t, e, "team").Limit(engine.LimitTPM).Used, "an Apply keeps what is used")
	require.Equal(t, engine.LimitTPM, refusal(t, g, by(team, engine.Demand{InputTokens: 10})).Limit)
	cfg.Callers = append(cfg.Callers, engine.Caller{ID: "small", Limits: engine.Limits{TPM: 40}})
	require.NoError(t, e.Apply(cfg))
	small := callerRef(t, e, "small")
	acquire(t, g, by(small, engine.Demand{InputTokens: 10}))
	require.EqualValues(t, 40, callerState(t, e, "small").Limit(engine.LimitTPM).Used)
}

// TestCallerNever: no waiting helps where the caller's limit is below the demand, or
// blocked, or the caller is no longer configured.
func TestCallerNever(t *testing.T) {
	e, _ := start(t, called(engine.Limits{}, engine.Limits{TPM: 100}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	require.True(t, refusal(t, g, by(team, exactly(101))).Never)
	acquire(t, g, by(team, exactly(100))).Release()
	require.NoError(t, e.Apply(called(engine.Limits{}, engine.Limits{RPM: engine.Blocked})))
	got := refusal(t, g, by(team, exactly(1)))
	require.True(t, got.Never)
	require.Equal(t, engine.LimitRPM, got.Limit)

	cfg := called(engine.Limits{}, engine.Limits{RPM: 3})
	require.NoError(t, e.Apply(cfg))
	l := acquire(t, g, by(team, exactly(10)))
	cfg.Callers = nil
	require.NoError(t, e.Apply(cfg))
	got = refusal(t, g, by(team, exactly(1)))
	require.True(t, got.Never)
	require.Equal(t, engine.LimitDisabled, got.Limit)
	require.Equal(t, "team", got.Caller)
	require.Empty(t, e.AppendCallerStates(nil))
	l.Settle(engine.Usage{InputTokens: 12})
	require.NoError(t, e.Apply(called(engine.Limits{}, engine.Limits{RPM: 3})))
	require.EqualValues(t, 12, callerState(t, e, "team").Limit(engine.LimitTPM).Used, "adding it again doubles no limit")
	require.EqualValues(t, 1, callerState(t, e, "team").Limit(engine.LimitRPM).Used)
	acquire(t, g, by(team, exactly(1)))
	require.Equal(t, team, callerRef(t, e, "team"), "the same caller")
}

// TestCallerDropped: a caller that is no longer configured and has nothing to count for
// is forgotten. A CallerRef that was kept finds it again.
func TestCallerDropped(t *testing.T) {
	e, clock := start(t, called(engine.Limits{}, engine.Limits{RPM: 3, MaxInFlight: 2}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	acquire(t, g, by(team, exactly(5))).Release()
	require.NoError(t, e.Apply(one(engine.Limits{})))
	clock.Advance(3 * time.Minute)
	acquire(t, g, exactly(1))
	e.AppendCallerStates(nil)
	_, err := e.CallerRef("team")
	require.ErrorIs(t, err, engine.ErrUnknownCaller)
	require.Equal(t, engine.LimitDisabled, refusal(t, g, by(team, exactly(1))).Limit)
	require.NoError(t, e.Apply(called(engine.Limits{}, engine.Limits{RPM: 3, MaxInFlight: 2})))
	require.Equal(t, team, callerRef(t, e, "team"))
	acquire(t, g, by(team, exactly(1)))
	acquire(t, g, by(team, exactly(1)))
	require.Equal(t, engine.LimitInFlight, refusal(t, g, by(team, exactly(1))).Limit)
	require.EqualValues(t, 2, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
}

// TestCallerGroups: a caller may ask only the groups that its patterns name.
func TestCallerGroups(t *testing.T) {
	cfg := called(engine.Limits{}, engine.Limits{})
	cfg.Deployments = append(cfg.Deployments,
		engine.Deployment{ID: "c", Group: "gpt-4o-mini"}, engine.Deployment{ID: "d", Group: "openai/*"}, engine.Deployment{ID: "e", Group: "embed"})
	for pattern, may := range map[string][]string{
		"":          {"chat", "gpt-4o-mini", "openai/*", "embed"},
		"chat":      {"chat"},
		"*":         {"chat", "gpt-4o-mini", "openai/*", "embed"},
		"gpt-*":     {"gpt-4o-mini"},
		"*-mini":    {"gpt-4o-mini"},
		"g*4*m*i":   {"gpt-4o-mini"},
		"openai/*":  {"openai/*"},
		"*chat*":    {"chat"},
		"cha":       nil,
		"chat*chat": nil,
	} {
		cfg.Callers[0].Groups = nil
		if pattern != "" {
			cfg.Callers[0].Groups = []string{pattern}
		}
		e, _ := start(t, cfg)
		team := callerRef(t, e, "team")
		var got []string
		for _, name := range []string{"chat", "gpt-4o-mini", "openai/*", "embed"} {
			g := group(t, e, name)
			lease, err := g.Acquire(by(team, exactly(1)))
			if err == nil {
				got = append(got, name)
				lease.Release()
				continue
			}
			require.ErrorIs(t, err, engine.ErrNoCandidate, pattern)
			require.ErrorContains(t, err, `caller "team" may not ask group "`+name+`"`)
			_, ok := g.Pick(by(team, exactly(1)))
			require.False(t, ok)
		}
		require.Equal(t, may, got, pattern)
	}
}

// TestCallerApply: limits that are added, changed and removed during leases count what is
// used already, leases too.
func TestCallerApply(t *testing.T) {
	e, _ := start(t, called(engine.Limits{}, engine.Limits{}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	first := acquire(t, g, by(team, exactly(10)))
	require.NoError(t, e.Apply(called(engine.Limits{}, engine.Limits{TPM: 25, MaxInFlight: 2})))
	second := acquire(t, g, by(team, exactly(10)))
	require.Equal(t, engine.LimitInFlight, refusal(t, g, by(team, exactly(1))).Limit, "the first lease is in flight")
	first.Release()
	require.Equal(t, engine.LimitTPM, refusal(t, g, by(team, exactly(16))).Limit)
	third := acquire(t, g, by(team, exactly(15)))
	second.Release()
	third.Release()
	requireUntouched(t, e)
	for range 2 {
		acquire(t, g, by(team, exactly(1)))
	}
	require.Equal(t, engine.LimitInFlight, refusal(t, g, by(team, exactly(1))).Limit)
}

// TestCallerClasses: priority classes share the deployments' limits, not the caller's.
func TestCallerClasses(t *testing.T) {
	cfg := called(engine.Limits{RPM: 100}, engine.Limits{RPM: 10, MaxInFlight: 10})
	cfg.PriorityShare = []float64{1, 0.5}
	e, _ := start(t, cfg)
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	d := by(team, exactly(1))
	d.Priority = 1
	for range 10 {
		acquire(t, g, d)
	}
	require.Equal(t, "team", refusal(t, g, d).Caller)
}

// TestCallerPreCheck: PreCheck counts a caller's request with the deployment's, or none;
// Record of the caller adds its tokens.
func TestCallerPreCheck(t *testing.T) {
	e, _ := start(t, called(engine.Limits{RPM: 2}, engine.Limits{RPM: 3, TPM: 100, RPD: 50, MaxInFlight: 1}))
	team, a, b := callerRef(t, e, "team"), ref(t, e, "a"), ref(t, e, "b")
	d := engine.Demand{Caller: team}
	require.True(t, a.PreCheck(d))
	require.True(t, a.PreCheck(d))
	require.False(t, a.PreCheck(d), "the deployment's limit")
	require.EqualValues(t, 2, callerState(t, e, "team").Limit(engine.LimitRPM).Used)
	require.EqualValues(t, 2, callerState(t, e, "team").Limit(engine.LimitRPD).Used)
	require.Zero(t, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
	require.True(t, b.PreCheck(d))
	require.False(t, b.PreCheck(d), "the caller's limit")
	require.EqualValues(t, 1, state(t, e, "b").Limit(engine.LimitRPM).Used)
	var limited *engine.LimitError
	require.ErrorAs(t, e.PreCheck("b", d), &limited)
	require.Equal(t, "team", limited.Caller)
	require.Equal(t, engine.LimitRPM, limited.Limit)
	require.Equal(t, time.Minute, limited.RetryAfter)

	team.Record(engine.Usage{InputTokens: 60, OutputTokens: 50})
	require.EqualValues(t, 110, callerState(t, e, "team").Limit(engine.LimitTPM).Used)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitTPM).Used)
	engine.CallerRef{}.Record(engine.Usage{InputTokens: 1})
	require.EqualValues(t, 3, e.Stats().Admitted)
	require.Zero(t, e.Stats().Tokens)
	require.Zero(t, e.Stats().Overrun)
}

// TestCallerBadInput: unknown callers, callers of another engine, and configurations that
// mean nothing.
func TestCallerBadInput(t *testing.T) {
	e, _ := start(t, called(engine.Limits{}, engine.Limits{}))
	_, err := e.CallerRef("nobody")
	require.ErrorIs(t, err, engine.ErrUnknownCaller)
	require.EqualError(t, err, `engine: unknown caller "nobody"`)
	_, err = e.CallerRef("a")
	require.ErrorIs(t, err, engine.ErrUnknownCaller, "that is a deployment")
	require.Empty(t, engine.CallerRef{}.ID())

	other, _ := start(t, called(engine.Limits{}, engine.Limits{}))
	_, err = group(t, e, "chat").Acquire(by(callerRef(t, other, "team"), exactly(1)))
	require.ErrorIs(t, err, engine.ErrInvalidDemand)
	require.ErrorContains(t, err, "another engine")
	require.False(t, ref(t, e, "a").PreCheck(engine.Demand{Caller: callerRef(t, other, "team")}))

	cfg := called(engine.Limits{}, engine.Limits{})
	cfg.Callers = []engine.Caller{
		{},
		{ID: "x", Limits: engine.Limits{TPM: -2}, Groups: []string{"chat", ""}},
		{ID: "x", Profile: provider.Profile{Pool: "p", LearnPhase: true}},
	}
	err = cfg.Validate()
	for _, want := range []string{
		"Callers[0].ID: is empty", "Callers[1].Limits.TPM: is -2", "Callers[1].Groups[1]: is empty",
		`Callers[2].ID: "x" is Callers[1].ID already`, `Callers[2].Profile.Pool: is "p"`, "Callers[2].Profile.LearnPhase: is true",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, err, e.Apply(cfg))
	cfg.Callers = make([]engine.Caller, engine.MaxCallers+1)
	require.ErrorContains(t, cfg.Validate(), "Callers: 10001 of them; at most 10000 are supported")
}

// TestCallerNamespace: a caller may have the ID of a deployment.
func TestCallerNamespace(t *testing.T) {
	cfg := called(engine.Limits{RPM: 2}, engine.Limits{})
	cfg.Callers[0] = engine.Caller{ID: "a", Limits: engine.Limits{RPM: 1}}
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	acquire(t, g, by(callerRef(t, e, "a"), exactly(1)))
	require.Equal(t, "a", refusal(t, g, by(callerRef(t, e, "a"), exactly(1))).Caller)
	for range 3 {
		acquire(t, g, exactly(1))
	}
	for _, r := range e.Collect(nil) {
		require.NotZero(t, r.RequestLimit)
	}
	require.Len(t, e.AppendStates(nil), 2)
	require.Len(t, e.AppendCallerStates(nil), 1)
}

// TestCallerExplain: Explain returns the refusal of Acquire.
func TestCallerExplain(t *testing.T) {
	cfg := called(engine.Limits{}, engine.Limits{TPM: 10})
	cfg.Callers = append(cfg.Callers, engine.Caller{ID: "elsewhere", Groups: []string{"embed"}})
	e, _ := start(t, cfg)
	g, team, elsewhere := group(t, e, "chat"), callerRef(t, e, "team"), callerRef(t, e, "elsewhere")
	x := e.Explain("chat", by(team, exactly(10)))
	require.NoError(t, x.Err)
	require.Len(t, x.Acquire, 2)
	for _, d := range []engine.Demand{by(team, exactly(11)), by(elsewhere, exactly(1))} {
		x = e.Explain("chat", d)
		_, err := g.Acquire(d)
		require.Equal(t, err, x.Err)
		require.Empty(t, x.Acquire)
		require.Empty(t, x.Pick)
		require.Len(t, x.Candidates, 2)
	}
	other, _ := start(t, cfg)
	require.ErrorIs(t, e.Explain("chat", by(callerRef(t, other, "team"), exactly(1))).Err, engine.ErrInvalidDemand)

	team.Record(engine.Usage{InputTokens: 1})
	d := by(team, engine.Demand{InputTokens: 9}) // Pick expects no output, Acquire does
	x = e.Explain("chat", d)
	_, picked := g.Pick(d)
	require.True(t, picked)
	require.Len(t, x.Pick, 2)
	_, err := g.Acquire(d)
	require.Equal(t, err, x.Err)
	require.Error(t, err)
	require.Empty(t, x.Acquire)
}

// TestCallerSnapshot: what a caller has used of its day is there after a restart, beside
// that of a deployment of the same ID.
func TestCallerSnapshot(t *testing.T) {
	cfg := called(engine.Limits{RPD: 10}, engine.Limits{})
	cfg.Callers = []engine.Caller{{ID: "a", Limits: engine.Limits{RPD: 5, TPD: 100}}}
	e, _ := start(t, cfg)
	for range 3 {
		acquire(t, group(t, e, "chat"), by(callerRef(t, e, "a"), exactly(10))).SettleReserved()
	}
	var saved bytes.Buffer
	require.NoError(t, e.Snapshot(&saved))
	again, _ := start(t, cfg)
	require.NoError(t, again.Restore(bytes.NewReader(saved.Bytes())))
	s := callerState(t, again, "a")
	require.EqualValues(t, 3, s.Limit(engine.LimitRPD).Used)
	require.EqualValues(t, 30, s.Limit(engine.LimitTPD).Used)
	require.EqualValues(t, 3, state(t, again, "a").Limit(engine.LimitRPD).Used+state(t, again, "b").Limit(engine.LimitRPD).Used)
	require.Equal(t, engine.LimitTPD, refusal(t, group(t, again, "chat"), by(callerRef(t, again, "a"), exactly(71))).Limit)
	acquire(t, group(t, again, "chat"), by(callerRef(t, again, "a"), exactly(70)))
}

// TestCallerStale: what others use of a caller lapses as that of a deployment does, and
// the caller is whole again once the syncer vouches no more.
func TestCallerStale(t *testing.T) {
	e, clock := start(t, called(engine.Limits{}, engine.Limits{RPM: 10}))
	g, team := group(t, e, "chat"), callerRef(t, e, "team")
	e.ValidFor(time.Second, 2)
	e.Absorb([]window.Share{{Tally: tally(firstMinute, window.CallerPrefix+"team", 0, 0)}})
	clock.Advance(2 * time.Second)
	admitted := 0
	for range 12 {
		if _, ok := g.TryAcquire(by(team, exactly(1))); ok {
			admitted++
		}
	}
	require.Equal(t, 5, admitted, "its half")
	e.ValidFor(0, 0)
	for range 5 {
		acquire(t, g, by(team, exactly(1)))
	}
	require.Equal(t, "team", refusal(t, g, by(team, exactly(1))).Caller)
}

// TestDroppedCallerIsRefused: a demand that names a caller which was dropped long ago is refused,
// also once another caller is counted in its place.
func TestDroppedCallerIsRefused(t *testing.T) {
	cfg := called(engine.Limits{RPM: 10}, engine.Limits{RPM: 10})
	e, clock := start(t, cfg)
	g, team, a := group(t, e, "chat"), callerRef(t, e, "team"), ref(t, e, "a")
	cfg.Callers = nil
	require.NoError(t, e.Apply(cfg))
	for range 4 { // the caller is dropped
		clock.Advance(time.Minute)
		e.AppendStates(nil)
		e.AppendCallerStates(nil)
	}
	cfg.Callers = []engine.Caller{{ID: "other", Limits: engine.Limits{RPM: 10}}}
	require.NoError(t, e.Apply(cfg))
	_, ok := g.TryAcquire(by(team, exactly(1)))
	require.False(t, ok)
	_, ok = g.Pick(by(team, exactly(1)))
	require.False(t, ok)
	require.False(t, a.PreCheck(by(team, exactly(1))))
	require.Equal(t, engine.LimitDisabled, refusal(t, g, by(team, exactly(1))).Limit)
	require.ErrorIs(t, e.PreCheck("a", by(team, exactly(1))), engine.ErrLimited)
	require.ErrorIs(t, e.Explain("chat", by(team, exactly(1))).Err, engine.ErrLimited)
	_, err := g.Wait(t.Context(), by(team, exactly(1)))
	require.ErrorIs(t, err, engine.ErrLimited)
	team.Record(engine.Usage{InputTokens: 1})
	requireUntouched(t, e)
	acquire(t, g, by(callerRef(t, e, "other"), exactly(1)))
}
