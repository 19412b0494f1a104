package syncer_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
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

// TestModeOfAPoolChanges: a pool's limit is held by escrow, kept by usage and held by escrow again, as
// its nodes are reconfigured.
func TestModeOfAPoolChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		var of atomic.Uint32
		cfg := cluster(engine.Limits{RPM: 600}, "a")
		cfg.Deployments[0].Profile = provider.Profile{Pool: "account"}
		var nodes []*node
		for range 2 {
			nodes = append(nodes, newNodeOf(t, store, cfg, syncer.Config{
				Mode: syncer.Escrow, Modes: func(string, window.Kind) syncer.Modes { return syncer.AllModes(syncer.Mode(of.Load())) },
			}))
		}
		run(t, nodes...)
		for range 2 {
			for _, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
				of.Store(uint32(mode))
				for range 3 {
					rollover()
					time.Sleep(5 * time.Second)
					for _, n := range nodes {
						n.use("a", 1, 0)
					}
				}
				time.Sleep(2 * time.Second)
				for _, a := range nodes[0].s.AppendAccounts(nil) {
					if strings.HasPrefix(a.ID, window.PoolPrefix) {
						require.Equal(t, mode, a.Mode)
					}
				}
				got := 2
				for range 500 {
					got += take(nodes[0], 1) + take(nodes[1], 1)
				}
				require.GreaterOrEqual(t, got, 590, mode)
				if mode == syncer.Escrow {
					require.LessOrEqual(t, got, 600)
				}
			}
		}
	})
}
