package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestFigureOfTheUTCMinuteBefore: a figure is of a request of the UTC minute before, but of the
// current minute of the provider. What was charged since, in either UTC minute, is added to it.
func TestFigureOfTheUTCMinuteBefore(t *testing.T) {
	cfg := one(engine.Limits{TPM: 1000})
	cfg.Deployments[0].Profile = provider.Profile{Phase: 30 * time.Second}
	e, clock := startAt(t, firstMinute.Truncate(time.Minute).Add(40*time.Second), cfg)
	g := group(t, e, "chat")
	ref(t, e, "a").Mark() // from now on requests are marked
	first := acquire(t, g, exactly(10))
	acquire(t, g, exactly(20)).SettleReserved()
	clock.Advance(30 * time.Second)
	acquire(t, g, exactly(100)).SettleReserved()
	first.Observe(signalOf(provider.TPM, 1000, 700))
	require.EqualValues(t, 300+20+100, state(t, e, "a").Limit(engine.LimitTPM).Used)
}

// TestFigureUnderAnOwnLimitWithAMargin: under a limit of the operator, below the provider's, as
// much may be used as remains at the provider, also if a margin is kept of that limit.
func TestFigureUnderAnOwnLimitWithAMargin(t *testing.T) {
	cfg := one(engine.Limits{TPM: 100})
	cfg.Deployments[0].Margin = 0.1
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	ref(t, e, "a").Mark()
	acquire(t, g, exactly(10)).Observe(signalOf(provider.TPM, 1000, 40))
	s := state(t, e, "a").Limit(engine.LimitTPM)
	require.EqualValues(t, 90, s.Max)
	require.EqualValues(t, 40, s.Max-s.Used)
}
