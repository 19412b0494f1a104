package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

func TestLimitError(t *testing.T) {
	type prepare = func(t *testing.T, e *engine.Engine)
	d := func(id string, order int, limits engine.Limits) engine.Deployment {
		return engine.Deployment{ID: id, Group: "chat", Order: order, Limits: limits}
	}
	cool := func(id string, s int) prepare {
		return func(t *testing.T, e *engine.Engine) { require.NoError(t, e.Cooldown(id, time.Duration(s)*time.Second)) }
	}
	// Every case starts 20 s into a minute: 40 s are left.
	tests := []struct {
		name        string
		deployments []engine.Deployment
		prepare     prepare
		d           engine.Demand
		exclude     string
		deployment  string // "" = any
		limit       engine.Limit
		retryAfter  time.Duration // -1 = an estimate
		never       bool
		candidates  int
	}{
		{
			name: "rpm", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: 1})},
			prepare:    func(t *testing.T, e *engine.Engine) { require.NoError(t, e.PreCheck("a", engine.Demand{})) },
			deployment: "a", limit: engine.LimitRPM, retryAfter: 40 * time.Second, candidates: 1,
		},
		{
			name: "tpm", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: 5, TPM: 100})},
			prepare: func(t *testing.T, e *engine.Engine) { record(t, e, "a", 91) }, d: exactly(10),
			deployment: "a", limit: engine.LimitTPM, retryAfter: 40 * time.Second, candidates: 1,
		},
		{
			name: "in flight", deployments: []engine.Deployment{d("a", 0, engine.Limits{MaxInFlight: 1})},
			prepare:    func(t *testing.T, e *engine.Engine) { acquire(t, group(t, e, "chat"), exactly(0)) },
			deployment: "a", limit: engine.LimitInFlight, retryAfter: -1, candidates: 1,
		},
		{
			name: "cooldown", deployments: []engine.Deployment{d("a", 0, engine.Limits{})}, prepare: cool("a", 7),
			deployment: "a", limit: engine.LimitCooldown, retryAfter: 7 * time.Second, candidates: 1,
		},
		{
			name: "cooldown beyond the minute", deployments: []engine.Deployment{d("a", 0, engine.Limits{})}, prepare: cool("a", 90),
			deployment: "a", limit: engine.LimitCooldown, retryAfter: 90 * time.Second, candidates: 1,
		},
		{
			name: "full and cooling, the longer wait", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 10})},
			prepare: func(t *testing.T, e *engine.Engine) { record(t, e, "a", 10); cool("a", 7)(t, e) }, d: exactly(1),
			deployment: "a", limit: engine.LimitTPM, retryAfter: 40 * time.Second, candidates: 1,
		},
		{
			name: "full and cooling for longer", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 10})},
			prepare: func(t *testing.T, e *engine.Engine) { record(t, e, "a", 10); cool("a", 55)(t, e) }, d: exactly(1),
			deployment: "a", limit: engine.LimitCooldown, retryAfter: 55 * time.Second, candidates: 1,
		},
		{
			name: "full, and larger than the limit of another", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 5}), d("b", 0, engine.Limits{TPM: 10})},
			prepare: func(t *testing.T, e *engine.Engine) { record(t, e, "b", 10) }, d: exactly(6),
			deployment: "b", limit: engine.LimitTPM, retryAfter: 40 * time.Second, candidates: 2,
		},
		{
			name: "nearest of several", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: engine.Blocked}), d("b", 0, engine.Limits{}), d("c", 0, engine.Limits{TPM: 10})},
			prepare: func(t *testing.T, e *engine.Engine) { cool("b", 15)(t, e); record(t, e, "c", 10) }, d: exactly(1),
			deployment: "b", limit: engine.LimitCooldown, retryAfter: 15 * time.Second, candidates: 3,
		},
		{
			name: "nearest of several tiers", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 10}), d("b", 1, engine.Limits{})},
			prepare: func(t *testing.T, e *engine.Engine) { record(t, e, "a", 10); cool("b", 15)(t, e) }, d: exactly(1),
			deployment: "b", limit: engine.LimitCooldown, retryAfter: 15 * time.Second, candidates: 2,
		},
		{
			name: "larger than every limit", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 5}), d("b", 0, engine.Limits{TPM: 10})}, d: exactly(11),
			limit: engine.LimitTPM, never: true, candidates: 2,
		},
		{
			name: "larger than every limit and cooling", deployments: []engine.Deployment{d("a", 0, engine.Limits{TPM: 5})}, prepare: cool("a", 7), d: exactly(6),
			deployment: "a", limit: engine.LimitTPM, never: true, candidates: 1,
		},
		{
			name: "blocked requests", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: engine.Blocked})},
			deployment: "a", limit: engine.LimitRPM, never: true, candidates: 1,
		},
		{
			name: "blocked in flight", deployments: []engine.Deployment{d("a", 0, engine.Limits{MaxInFlight: engine.Blocked})},
			deployment: "a", limit: engine.LimitInFlight, never: true, candidates: 1,
		},
		{
			name: "disabled", deployments: []engine.Deployment{d("a", 0, engine.Limits{})},
			prepare:    func(t *testing.T, e *engine.Engine) { ref(t, e, "a").SetEnabled(false) },
			deployment: "a", limit: engine.LimitDisabled, never: true, candidates: 1,
		},
		{
			name: "others' usage", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: 4})},
			prepare:    func(_ *testing.T, e *engine.Engine) { others(e, firstMinute, "a", 4, 0) },
			deployment: "a", limit: engine.LimitRPM, retryAfter: 40 * time.Second, candidates: 1,
		},
		{
			name: "a ceiling of zero", deployments: []engine.Deployment{d("a", 0, engine.Limits{RPM: 4})},
			prepare: func(_ *testing.T, e *engine.Engine) {
				e.Absorb([]window.Share{{Tally: tally(firstMinute, "a", 0, 0), CeilingRequests: -1}})
			},
			deployment: "a", limit: engine.LimitShare, retryAfter: 40 * time.Second, candidates: 1,
		},
		{
			name: "excluded ones are no candidates", deployments: []engine.Deployment{d("a", 0, engine.Limits{}), d("b", 0, engine.Limits{})}, exclude: "b",
			prepare:    func(t *testing.T, e *engine.Engine) { cool("a", 7)(t, e); cool("b", 3)(t, e) },
			deployment: "a", limit: engine.LimitCooldown, retryAfter: 7 * time.Second, candidates: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, deployments(test.deployments...))
			clock.Advance(20 * time.Second)
			if test.prepare != nil {
				test.prepare(t, e)
			}
			if test.d.OutputTokens == 0 {
				test.d.OutputTokens = engine.NoOutput
			}
			if test.exclude != "" {
				test.d.Exclude = []engine.Ref{ref(t, e, test.exclude)}
			}
			g := group(t, e, "chat")
			got := refusal(t, g, test.d)
			require.Equal(t, "chat", got.Group)
			if test.deployment != "" {
				require.Equal(t, test.deployment, got.Deployment)
			}
			require.Equal(t, test.limit, got.Limit)
			require.Equal(t, test.never, got.Never)
			require.Equal(t, test.candidates, got.Candidates)
			require.Len(t, got.States, test.candidates)
			require.NotEmpty(t, got.Error())
			if test.retryAfter < 0 {
				require.Positive(t, got.RetryAfter)
				return
			}
			require.Equal(t, test.retryAfter, got.RetryAfter)
			if test.never {
				return
			}
			clock.Advance(got.RetryAfter - time.Millisecond)
			require.Positive(t, refusal(t, g, test.d).RetryAfter)
			clock.Advance(time.Millisecond)
			acquire(t, g, test.d)
		})
	}
}

func TestLimitErrorStates(t *testing.T) {
	cfg := engine.Config{}
	for i := range 40 {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Model: "gpt-4o", Limits: engine.Limits{RPM: 10, TPM: 100}})
	}
	e, _ := start(t, cfg)
	for i := range 40 {
		others(e, firstMinute, id(i), 4, 100)
	}
	got := refusal(t, group(t, e, "chat"), exactly(1))
	require.Equal(t, 40, got.Candidates)
	require.Len(t, got.States, 32)
	seen := map[string]bool{}
	for _, s := range got.States {
		require.False(t, seen[s.ID])
		seen[s.ID] = true
		require.Equal(t, engine.State{
			ID: s.ID, Group: "chat", Model: "gpt-4o", ExpectedOutput: 1, Utilization: 1, Enabled: true,
			Limits: []engine.LimitState{
				{Limit: engine.LimitRPM, Used: 4, Max: 10, Remote: 4, Held: engine.Untracked},
				{Limit: engine.LimitTPM, Used: 100, Max: 100, Remote: 100},
				{Limit: engine.LimitInFlight, Held: engine.Untracked},
			},
		}, s)
	}
}

// TestErrorKinds: errors.Is, errors.As and errors.AsType find what they should,
// and nothing else.
func TestErrorKinds(t *testing.T) {
	e, _ := start(t, deployments(
		engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: engine.Blocked}, Tags: []string{"eu"}},
		engine.Deployment{ID: "b", Group: "chat", Limits: engine.Limits{TPM: engine.Blocked}},
	))
	g := group(t, e, "chat")
	byName := func(group string, d engine.Demand) error {
		_, err := e.Pick(group, d)
		return err
	}
	acquired := func(d engine.Demand) error {
		_, err := g.Acquire(d)
		return err
	}
	explained := func(group string, d engine.Demand) error { return e.Explain(group, d).Err }
	negative, mars := engine.Demand{InputTokens: -1}, engine.Demand{Tags: []string{"mars"}}
	kinds := []error{engine.ErrLimited, engine.ErrNoCandidate, engine.ErrUnknownGroup, engine.ErrUnknownDeployment, engine.ErrInvalidDemand}
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"Acquire limited", acquired(exactly(1)), engine.ErrLimited},
		{"Acquire without candidate", acquired(mars), engine.ErrNoCandidate},
		{"Acquire invalid", acquired(negative), engine.ErrInvalidDemand},
		{"Pick limited", byName("chat", exactly(1)), engine.ErrLimited},
		{"Pick without candidate", byName("chat", mars), engine.ErrNoCandidate},
		{"Pick unknown", byName("nobody", exactly(1)), engine.ErrUnknownGroup},
		{"Pick of a deployment", byName("a", exactly(1)), engine.ErrUnknownGroup},
		{"Pick invalid", byName("chat", negative), engine.ErrInvalidDemand},
		{"PreCheck limited", e.PreCheck("a", exactly(1)), engine.ErrLimited},
		{"PreCheck unknown", e.PreCheck("chat", exactly(1)), engine.ErrUnknownDeployment},
		{"PreCheck invalid", e.PreCheck("a", negative), engine.ErrInvalidDemand},
		{"Record unknown", e.Record("nobody", engine.Usage{}), engine.ErrUnknownDeployment},
		{"Cooldown unknown", e.Cooldown("nobody", time.Second), engine.ErrUnknownDeployment},
		{"Explain limited", explained("chat", exactly(1)), engine.ErrLimited},
		{"Explain without candidate", explained("chat", mars), engine.ErrNoCandidate},
		{"Explain unknown", explained("nobody", exactly(1)), engine.ErrUnknownGroup},
		{"Explain invalid", explained("chat", negative), engine.ErrInvalidDemand},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Error(t, test.err)
			wrapped := fmt.Errorf("gateway: %w", test.err)
			for _, kind := range kinds {
				require.Equal(t, errors.Is(test.want, kind), errors.Is(wrapped, kind), "%v is %v", test.err, kind)
			}
			limited, ok := errors.AsType[*engine.LimitError](wrapped)
			require.Equal(t, errors.Is(test.want, engine.ErrLimited), ok)
			if ok {
				var same *engine.LimitError
				require.ErrorAs(t, wrapped, &same)
				require.Same(t, limited, same)
			}
		})
	}
}

// TestPreCheckError names the deployment that was asked for.
func TestPreCheckError(t *testing.T) {
	e, clock := start(t, deployments(
		engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 1, TPM: 10}},
		engine.Deployment{ID: "b", Group: "chat"},
	))
	clock.Advance(15 * time.Second)
	limitOf := func(d engine.Demand) *engine.LimitError {
		var limited *engine.LimitError
		require.ErrorAs(t, e.PreCheck("a", d), &limited)
		require.Equal(t, "a", limited.Deployment)
		require.Equal(t, "chat", limited.Group)
		require.Equal(t, 1, limited.Candidates)
		require.Len(t, limited.States, 1)
		return limited
	}
	got := limitOf(exactly(11))
	require.Equal(t, engine.LimitTPM, got.Limit)
	require.True(t, got.Never)
	require.NoError(t, e.PreCheck("a", exactly(10)))
	got = limitOf(exactly(10))
	require.Equal(t, engine.LimitRPM, got.Limit)
	require.Equal(t, 45*time.Second, got.RetryAfter)
	require.NoError(t, e.Cooldown("a", time.Minute))
	got = limitOf(engine.Demand{})
	require.Equal(t, engine.LimitCooldown, got.Limit)
	require.Equal(t, time.Minute, got.RetryAfter)
	ref(t, e, "a").SetEnabled(false)
	got = limitOf(engine.Demand{})
	require.Equal(t, engine.LimitDisabled, got.Limit)
	require.True(t, got.Never)
}
