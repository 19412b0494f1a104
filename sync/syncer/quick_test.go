package syncer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestQuickRounds: a minute that is expected to open with a burst begins with quicker
// rounds, and still no second of it has more than 1.2 for each interval, and two besides.
func TestQuickRounds(t *testing.T) {
	for _, interval := range []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		if raceEnabled && interval != 300*time.Millisecond { // the same goroutines at every pace
			continue
		}
		t.Run(fmt.Sprint(interval), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 3 * time.Millisecond})
				a := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{Interval: interval})
				b := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{Interval: interval})
				stop := run(t, a, b)
				opening := func() (first, second int64) {
					rollover()
					before := a.attempts()
					a.use("a", 100, 0)
					b.use("a", 100, 0)
					time.Sleep(interval)
					first = a.attempts() - before
					time.Sleep(time.Second - interval)
					return first, a.attempts() - before
				}
				for range 3 {
					opening()
				}
				for range 3 {
					first, second := opening()
					require.GreaterOrEqual(t, first, int64(2), "in the first interval")
					require.LessOrEqual(t, float64(second), 1.2*float64(time.Second)/float64(interval)+2+1, "and one that was under way")
				}
				if interval == time.Second {
					for range 7 { // minutes that no client uses
						rollover()
					}
					before := a.attempts()
					time.Sleep(interval)
					require.LessOrEqual(t, a.attempts()-before, int64(2), "it is forgotten")
				}
				stop()
			})
		})
	}
}
