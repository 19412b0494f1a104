package metrics_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/metrics"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestAccounts: limits that are held by escrow have metrics of their own, and those kept by
// usage as configured have none.
func TestAccounts(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 60}})
	s, err := syncer.New(eng, memstore.New(memstore.Config{Now: noon}), syncer.Config{Mode: syncer.Escrow, Clock: window.NewClockFrom(noon)})
	require.NoError(t, err)
	require.NoError(t, s.Sync(context.Background()))
	list := func(dst []syncer.Account) []syncer.Account {
		return append(dst, syncer.Account{ID: "a", Count: syncer.CountRequests, Mode: syncer.Escrow, Configured: syncer.Escrow, Granted: 40, Own: 12, Waiting: 3, Missed: 5, Vain: 7},
			syncer.Account{ID: "a", Count: syncer.CountTokens}, syncer.Account{ID: "gone", Mode: syncer.Escrow})
	}
	got := values(t, newCollector(t, metrics.Config{Engine: eng, Syncer: s, Accounts: list}))
	const labels = `{deployment="a",group="chat",limit="rpm"}`
	for name, want := range map[string]float64{
		"plimsoll_sync_account_escrow" + labels: 1, "plimsoll_sync_account_granted" + labels: 40, "plimsoll_sync_account_own" + labels: 12, "plimsoll_sync_account_waiting" + labels: 3,
		`plimsoll_sync_account_missed_total{deployment="a",group="chat",wait="at_once"}`: 5, `plimsoll_sync_account_missed_total{deployment="a",group="chat",wait="waited"}`: 7,
	} {
		require.Contains(t, got, name)
		require.InDelta(t, want, got[name], 0, name)
	}
	require.NotContains(t, got, `plimsoll_sync_account_escrow{deployment="a",group="chat",limit="tpm"}`)
}
