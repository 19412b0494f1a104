package engine_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestLoweredCeilings: what Collect reports after Absorb has lowered a ceiling is all that
// is ever used under it, in every kind of window and count, of deployments and callers, so
// that a syncer may return the rest to its store. Requests are admitted all the while.
func TestLoweredCeilings(t *testing.T) {
	const plenty = 1 << 27
	for name, c := range map[string]struct {
		limits engine.Limits
		kind   window.Kind
		caller bool
		own    provider.Profile // of windows that begin at times of their own, or a pool
	}{
		"requests of a minute":          {engine.Limits{RPM: plenty}, window.KindMinute, false, provider.Profile{}},
		"tokens of a minute":            {engine.Limits{TPM: plenty}, window.KindMinute, false, provider.Profile{}},
		"input of a minute":             {engine.Limits{InputTPM: plenty}, window.KindMinute, false, provider.Profile{}},
		"output of a minute":            {engine.Limits{OutputTPM: plenty}, window.KindMinute, false, provider.Profile{}},
		"requests of an hour":           {engine.Limits{RPH: plenty}, window.KindHour, false, provider.Profile{}},
		"tokens of an hour":             {engine.Limits{TPH: plenty}, window.KindHour, false, provider.Profile{}},
		"requests of a day":             {engine.Limits{RPD: plenty}, window.KindDay, false, provider.Profile{}},
		"tokens of a day":               {engine.Limits{TPD: plenty}, window.KindDay, false, provider.Profile{}},
		"a caller's requests":           {engine.Limits{RPM: plenty}, window.KindMinute, true, provider.Profile{}},
		"a caller's tokens of a day":    {engine.Limits{TPD: plenty}, window.KindDay, true, provider.Profile{}},
		"a minute with a phase":         {engine.Limits{RPM: plenty}, window.KindPhased, false, provider.Profile{Phase: 25 * time.Second}},
		"tokens with a phase":           {engine.Limits{TPM: plenty}, window.KindPhased, false, provider.Profile{Phase: 25 * time.Second}},
		"a caller's minute, phased":     {engine.Limits{InputTPM: plenty}, window.KindPhased, true, provider.Profile{Phase: 25 * time.Second}},
		"parts of a minute":             {engine.Limits{RPM: plenty}, window.KindPart, false, provider.Profile{RequestWindow: 30 * time.Second}},
		"a bucket":                      {engine.Limits{TPM: plenty}, window.KindSlice, false, provider.Profile{Shape: provider.Bucket}},
		"a pool's requests":             {engine.Limits{RPM: plenty}, window.KindMinute, false, provider.Profile{Pool: "p"}},
		"a pool's tokens":               {engine.Limits{TPM: plenty}, window.KindMinute, false, provider.Profile{Pool: "p"}},
		"a pool's hour":                 {engine.Limits{TPH: plenty}, window.KindHour, false, provider.Profile{Pool: "p"}},
		"a pool's day":                  {engine.Limits{RPD: plenty}, window.KindDay, false, provider.Profile{Pool: "p"}},
		"everything that counts tokens": {engine.Limits{TPM: plenty, InputTPM: plenty, OutputTPM: plenty, TPH: plenty, TPD: plenty}, window.KindMinute, false, provider.Profile{}},
	} {
		t.Run(name, func(t *testing.T) {
			lowerCeilings(t, c.limits, c.kind, c.caller, c.own)
		})
	}
}

func lowerCeilings(t *testing.T, limits engine.Limits, kind window.Kind, ofCaller bool, profile provider.Profile) {
	t.Helper()
	at := time.Date(2025, 3, 4, 12, 34, 10, 0, time.UTC)
	cfg := engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return at }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: limits, Profile: profile}},
	}
	id, demand := "a", engine.Demand{InputTokens: 1, OutputTokens: 1}
	if ofCaller {
		cfg.Deployments[0].Limits, cfg.Deployments[0].Profile = engine.Limits{}, provider.Profile{}
		cfg.Callers = []engine.Caller{{ID: "team", Limits: limits, Profile: profile}}
		id = window.CallerPrefix + "team"
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("chat")
	require.NoError(t, err)
	if ofCaller {
		demand.Caller, err = e.CallerRef("team")
		require.NoError(t, err)
	}
	start, _ := kind.Span(at.Unix())
	if profile != (provider.Profile{}) {
		if e.Short(); profile.Pool != "" {
			id = window.PoolPrefix + profile.Pool
		}
		for _, r := range e.List(nil) {
			if r.ID == id && r.Kind == kind {
				start = r.Start
			}
		}
	}
	var latest window.Tally
	own := func() window.Tally {
		for _, r := range e.Collect(nil) {
			if r.ID == id && r.Kind == kind {
				latest = r.Tally // what has not changed need not be reported again
			}
		}
		return latest
	}
	absorb := func(requests, tokens, input, output int64) {
		e.Absorb([]window.Share{{
			Tally:           window.Tally{ID: id, Kind: kind, Start: start},
			CeilingRequests: requests, CeilingTokens: tokens, CeilingInput: input, CeilingOutput: output,
		}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, ok := g.TryAcquire(demand); !ok {
					runtime.Gosched()
				}
			}
		})
	}
	counted := func(t window.Tally) int64 { return t.Requests + t.Tokens + t.Input + t.Output }
	// A pool that limits tokens alone counts requests and bounds none of them.
	bounded := profile.Pool == "" || limits.RPM|limits.RPH|limits.RPD != 0
	grown, rounds := 0, 10
	for range rounds {
		before := own()
		absorb(0, 0, 0, 0)
		for all := counted(before); counted(own()) < all+40; {
			runtime.Gosched()
		}
		now := own()
		absorb(max(now.Requests, 1), max(now.Tokens, 1), max(now.Input, 1), max(now.Output, 1))
		kept := own()
		for range 20 {
			runtime.Gosched()
		}
		beyond := func(late window.Tally) bool {
			return bounded && late.Requests > kept.Requests || late.Tokens > kept.Tokens || late.Input > kept.Input || late.Output > kept.Output
		}
		late := own()
		for tries := 0; tries < 10_000 && beyond(late); tries++ { // an admission that looked before may be about to take back what it counted
			runtime.Gosched()
			late = own()
		}
		if beyond(late) {
			grown++
		}
	}
	require.Zero(t, grown, "of %d times usage grew after the ceiling was lowered and usage read", rounds)
}
