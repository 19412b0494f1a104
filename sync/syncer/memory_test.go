package syncer_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestMemory: whatever fails for however long, a syncer grows no further than
// its deployments, and starts nothing that stays.
func TestMemory(t *testing.T) {
	away := 300 // seconds: each adds as much as the last
	if full {
		away = 900
	}
	if raceEnabled {
		t.Skip("the race detector has memory of its own; TestProperty plays these faults under it")
	}
	for name, plan := range map[string]storetest.Plan{
		"away":              {LoseRequest: 1},
		"hanging":           {LoseRequest: 1, Hang: 1},
		"replies get lost":  {LoseReply: 1},
		"every other reply": {LoseReply: 0.5, Hang: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ids []string
				for i := range 300 {
					ids = append(ids, fmt.Sprint("deployment-", i))
				}
				way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{})
				n := newNode(t, way, unlimited, syncer.Config{}, ids...)
				run(t, n)
				heap := func(seconds int) int64 {
					for i := range seconds {
						for j := range 30 {
							n.use(ids[(i*30+j)%len(ids)], 1, 100)
						}
						time.Sleep(time.Second)
					}
					var m runtime.MemStats
					runtime.GC()
					runtime.GC()
					runtime.ReadMemStats(&m)
					return int64(m.HeapAlloc)
				}
				before, goroutines := heap(200), runtime.NumGoroutine()
				way.SetPlan(plan)
				require.Less(t, heap(away)-before, int64(1<<20))
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1)
				way.SetPlan(storetest.Plan{})
				require.Less(t, heap(200)-before, int64(512<<10))
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1)
				require.LessOrEqual(t, n.s.Stats().Keys, 4*len(ids))
			})
		})
	}
}
