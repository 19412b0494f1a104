package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestUsageBesideEscrowInOwnWindows: a node in usage mode does not learn that other nodes hold
// a minute with a phase by escrow. Those stay within the limit; it admits what by its own
// knowledge of their usage is left, so together they stay below twice the limit. Of a UTC
// minute it follows them, and nothing is passed.
func TestUsageBesideEscrowInOwnWindows(t *testing.T) {
	for _, test := range []struct {
		name    string
		profile provider.Profile
		most    int
		shown   syncer.Mode
	}{
		{"minute", provider.Profile{}, 600, syncer.Escrow},
		{"phase", provider.Profile{Phase: 20 * time.Second}, 1199, syncer.Usage},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				var nodes []*node
				for i := range 3 {
					mode := syncer.Escrow
					if i == 2 {
						mode = syncer.Usage
					}
					cfg := cluster(engine.Limits{RPM: 600}, "a")
					cfg.Deployments[0].Profile = test.profile
					n := newNodeOf(t, store, cfg, syncer.Config{Mode: mode, Deployments: func(dst []string) []string { return append(dst, "a") }})
					nodes = append(nodes, n)
					run(t, n)
				}
				rollover()
				time.Sleep(20 * time.Second)
				admitted := [3]int{}
				for range 400 {
					for i, n := range nodes {
						admitted[i] += take(n, 1)
					}
					time.Sleep(50 * time.Millisecond)
				}
				require.LessOrEqual(t, admitted[0]+admitted[1], 600)
				require.LessOrEqual(t, admitted[0]+admitted[1]+admitted[2], test.most)
				a := nodes[2].s.AppendAccounts(nil)[0]
				require.Equal(t, test.shown, a.Mode, "of the node in usage mode")
			})
		})
	}
}
