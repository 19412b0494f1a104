package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestAutoBucket: Auto keeps a bucket by usage, so that a request of more than a node's part of
// what the bucket refills by is admitted as soon as there is headroom; Escrow holds it by grants.
func TestAutoBucket(t *testing.T) {
	for _, test := range []struct {
		mode   syncer.Mode
		grants bool
	}{{syncer.Auto, false}, {syncer.Escrow, true}, {syncer.Usage, false}} {
		t.Run(test.mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				cfg := profiled(engine.Limits{RPM: 600, TPM: 60_000}, provider.Profile{Shape: provider.Bucket}, "a")
				var nodes []*node
				for range 5 {
					way := storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 3 * time.Millisecond})
					nodes = append(nodes, newNodeOf(t, way, cfg, syncer.Config{Mode: test.mode}))
				}
				run(t, nodes...)
				time.Sleep(3 * time.Second)
				first := nodes[0].use("a", 1, 0)
				require.Equal(t, !test.grants, first == 1, "a grant comes after the first request that lacks one")
				time.Sleep(300 * time.Millisecond)
				require.Equal(t, 1, nodes[0].use("a", 1, 0))
				time.Sleep(300 * time.Millisecond)
				accounts := nodes[0].s.AppendAccounts(nil)
				require.Len(t, accounts, 2, "requests and tokens")
				for _, a := range accounts {
					require.Equal(t, test.mode, a.Configured)
					if test.grants {
						require.Equal(t, window.KindSlice, a.Kind)
						require.Equal(t, syncer.Escrow, a.Mode)
						continue
					}
					require.Equal(t, window.KindMinute, a.Kind)
					require.Equal(t, syncer.Usage, a.Mode)
					require.Equal(t, test.mode == syncer.Auto, a.Reason == "auto keeps buckets by usage")
				}
				if !test.grants {
					r, err := nodes[1].e.Ref("a")
					require.NoError(t, err)
					require.True(t, r.PreCheck(engine.Demand{InputTokens: 30_000}), "half of the bucket at once")
				}
			})
		})
	}
}
