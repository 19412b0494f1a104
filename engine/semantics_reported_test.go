package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// limitsOf returns the reports of limits that an engine collects.
func limitsOf(e *engine.Engine) (limits []window.Report) {
	for _, r := range e.Collect(nil) {
		if strings.HasPrefix(r.ID, window.LimitPrefix) {
			limits = append(limits, r)
		}
	}
	return limits
}

// TestLimitsOfOtherNodes: the lowest that answers to any node have named is in force, as long
// as it says, five minutes at most, none raises what is configured, and none is reported on.
func TestLimitsOfOtherNodes(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 10_000}, provider.Profile{})
	absorb := func(kind string, limit int64, id string, d time.Duration) {
		until := clock.Now().Add(d).UnixMilli()
		e.Absorb([]window.Share{{Tally: window.Tally{ID: window.LimitID(kind, limit, id), CoolUntil: until}}})
	}
	want := func(l engine.Limit, most int64) {
		t.Helper()
		require.Equal(t, most, state(t, e, "a").Limit(l).Max)
	}
	absorb("tpm", 20_000, "a", time.Minute)
	absorb("cooldown", 1, "a", time.Minute)
	absorb("none", 1, "a", time.Minute)
	absorb("tpm", 1, "unknown", time.Minute)
	absorb("tpm", 1, "a", -time.Second)
	want(engine.LimitTPM, 10_000)
	absorb("tpm", 5000, "a", 2*time.Minute)
	absorb("tpm", 3000, "a", time.Minute)
	absorb("tpm", 4000, "a", time.Second)
	absorb("rpm", 7, "a", time.Hour)
	want(engine.LimitTPM, 3000)
	want(engine.LimitRPM, 7)
	require.Empty(t, limitsOf(e))

	require.NoError(t, e.Observe("a", signalOf(provider.TPM, 6000, 6000)))
	want(engine.LimitTPM, 3000)
	own := limitsOf(e)
	require.Len(t, own, 1, "its own only")
	require.Equal(t, window.LimitID("tpm", 6000, "a"), own[0].ID)

	clock.Advance(time.Minute)
	acquire(t, group(t, e, "chat"), exactly(1)).Observe(answered)
	want(engine.LimitTPM, 5000)
	clock.Advance(time.Minute)
	acquire(t, group(t, e, "chat"), exactly(1)).Observe(answered)
	want(engine.LimitTPM, 6000)
	want(engine.LimitRPM, 7)
	clock.Advance(3 * time.Minute)
	acquire(t, group(t, e, "chat"), exactly(1)).Observe(answered)
	want(engine.LimitTPM, 10_000)
	want(engine.LimitRPM, 0)
}

// TestLimitsAreReported: while they are in force and below what is configured, for longer
// than half of that, and rarely another.
func TestLimitsAreReported(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 10_000}, provider.Profile{})
	require.NoError(t, e.Observe("a", signalOf(provider.TPM, 10_000, 10_000)))
	require.Empty(t, limitsOf(e), "as configured")
	clock.Advance(time.Second)
	changes, last, now := 0, window.Report{}, time.Duration(0)
	for ; now < 10*time.Minute; now += 2 * time.Second {
		limit := int64(5000)
		if now >= 5*time.Minute {
			limit += int64(now/time.Second) % 8 // from answer to answer
		}
		require.NoError(t, e.Observe("a", signalOf(provider.TPM, limit, limit)))
		got := limitsOf(e)
		require.Len(t, got, 1)
		require.Zero(t, got[0].Requests|got[0].Tokens)
		left := time.UnixMilli(got[0].CoolUntil).Sub(clock.Now())
		require.LessOrEqual(t, left, 5*time.Minute)
		if limit == 5000 {
			require.Greater(t, left, 2*time.Minute)
		}
		if got[0].ID != last.ID || got[0].CoolUntil != last.CoolUntil {
			changes, last = changes+1, got[0]
		}
		clock.Advance(2 * time.Second)
	}
	require.LessOrEqual(t, changes, 3+10+5)
	require.Greater(t, changes, 3)
	clock.Advance(5 * time.Minute)
	require.Empty(t, limitsOf(e))
}

// TestLimitsOfAPoolStayAsConfigured: no limit reported to any node changes those of a pool.
func TestLimitsOfAPoolStayAsConfigured(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 10_000}, provider.Profile{Pool: "p"})
	until := clock.Now().Add(time.Minute).UnixMilli()
	e.Absorb([]window.Share{{Tally: window.Tally{ID: window.LimitID("tpm", 5, "a"), CoolUntil: until}}})
	require.NoError(t, e.Observe("a", signalOf(provider.TPM, 50, 50)))
	require.EqualValues(t, 10_000, state(t, e, "a").Limit(engine.LimitTPM).Max)
	require.Empty(t, limitsOf(e))
}
