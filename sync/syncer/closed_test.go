package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestJoiner: a node that joins when a limit is used up admits nothing before its
// first exchange, and at most what is left after it.
func TestJoiner(t *testing.T) {
	for _, limits := range []engine.Limits{{RPM: 600}, {RPD: 600}, {RPM: 600, RPD: 700}} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New(memstore.Config{})
			way := storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: 5 * time.Millisecond})
			old := newNode(t, way, limits, syncer.Config{})
			run(t, old)
			time.Sleep(10 * time.Second)
			require.Equal(t, 590, old.use("a", 590, 0))
			time.Sleep(300 * time.Millisecond)
			joined := newNode(t, way, limits, syncer.Config{})
			got := joined.use("a", 700, 0)
			run(t, joined)
			for range 1500 {
				got += joined.use("a", 1, 0)
				time.Sleep(time.Millisecond)
			}
			require.Equal(t, 10, got)
		})
	}
}

// TestStoodStill: a node that stood still while a minute began, and is asked before
// its syncer has run, admits no more than its share.
func TestStoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		a := newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{})
		b := newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{})
		stop := run(t, a, b)
		rollover()
		time.Sleep(50 * time.Second)
		stop()
		run(t, b)
		rollover()
		time.Sleep(20 * time.Second) // a's process has stood still
		require.Equal(t, 600, b.use("a", 700, 0))
		time.Sleep(time.Second)
		require.LessOrEqual(t, a.use("a", 700, 0), 300)
		a.sync()
		require.Zero(t, a.use("a", 700, 0))
	})
}
