package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEndedCooldownStaysEnded: a cooldown that an operator ends on a node does not come back from the
// store, also where the node has had no request for longer than it keeps an idle deployment.
func TestEndedCooldownStaysEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		x := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{})
		y := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{})
		run(t, x, y)
		time.Sleep(2 * time.Hour)
		ref, err := x.e.Ref("a")
		require.NoError(t, err)
		ref.Cooldown(5 * time.Hour)
		time.Sleep(2 * time.Second)
		require.NotZero(t, y.state("a").CoolingFor)
		ref, err = y.e.Ref("a")
		require.NoError(t, err)
		ref.Cooldown(0)
		for range 300 {
			time.Sleep(time.Second)
			require.Zero(t, y.state("a").CoolingFor)
		}
		require.NotZero(t, x.state("a").CoolingFor, "it goes on there")
	})
}
