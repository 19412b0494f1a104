package syncer_test

import (
	"context"
	"log/slog"
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

// TestUsageBesideEscrowInOwnWindows: the store shows a node in usage mode no counters of pools,
// of minutes with a phase, of parts of a minute and of buckets. It finds by the modes of the
// other nodes that these are held by escrow, and the nodes together do not pass the limit.
func TestUsageBesideEscrowInOwnWindows(t *testing.T) {
	for _, test := range []struct {
		name    string
		profile provider.Profile
		most    int // admitted in the windows that 20 s touch
		kind    window.Kind
	}{
		{"minute", provider.Profile{}, 600, window.KindMinute},
		{"phase", provider.Profile{Phase: 20 * time.Second}, 600, window.KindPhased},
		{"part of a minute", provider.Profile{RequestWindow: 30 * time.Second}, 600, window.KindPart},
		{"pool", provider.Profile{Pool: "account"}, 600, window.KindMinute},
		{"pool of minutes with a phase", provider.Profile{Pool: "account", Phase: 20 * time.Second}, 600, window.KindPhased},
		{"bucket", provider.Profile{Shape: provider.Bucket}, 600 + 600/60, window.KindSlice},
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
				rollover()
				time.Sleep(20 * time.Second)
				admitted, begun := [3]int{}, time.Now()
				for range 400 {
					for i, n := range nodes {
						admitted[i] += take(n, 1)
					}
					time.Sleep(50 * time.Millisecond)
				}
				most := test.most
				if test.kind == window.KindSlice { // it refills
					most += int(time.Since(begun).Seconds() * 600 / 60)
				}
				require.LessOrEqual(t, admitted[0]+admitted[1]+admitted[2], most, "%v", admitted)
				found := 0
				for _, a := range nodes[2].s.AppendAccounts(nil) {
					if a.Kind == test.kind && (test.profile.Pool == "" || a.ID != "a") {
						found++
						require.Equal(t, syncer.Escrow, a.Mode, "of the node in usage mode")
						require.Equal(t, syncer.Usage, a.Configured)
						require.NotEmpty(t, a.Reason)
					}
				}
				require.Equal(t, 1, found, "limits in such windows")
			})
		})
	}
}

const otherMode = "is configured for another mode"

// silentAs is a store to which nodes say other modes than they have; 0 as versions before say none.
type silentAs struct {
	syncer.Store
	modes syncer.NodeModes
}

func (s silentAs) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	b.Modes = s.modes
	return s.Store.Exchange(ctx, b, r)
}

// TestNodesOfOtherModes: nodes that are configured for other modes are counted and named once on
// each; nodes that are configured alike, and those that do not say for what, are not.
func TestNodesOfOtherModes(t *testing.T) {
	one := func(of syncer.Mode) func(string, window.Kind) syncer.Modes {
		return func(id string, _ window.Kind) syncer.Modes {
			if id == "b" {
				return syncer.AllModes(of)
			}
			return syncer.AllModes(syncer.Auto)
		}
	}
	for _, test := range []struct {
		name          string
		first, second syncer.Config
		says          func(syncer.Store) syncer.Store // what the second says
		differ        bool
	}{
		{"usage and escrow", syncer.Config{}, syncer.Config{Mode: syncer.Escrow}, nil, true},
		{"auto and escrow", syncer.Config{Mode: syncer.Auto}, syncer.Config{Mode: syncer.Escrow}, nil, true},
		{"one limit", syncer.Config{Mode: syncer.Auto}, syncer.Config{Mode: syncer.Auto, Modes: one(syncer.Usage)}, nil, true},
		{"usage", syncer.Config{}, syncer.Config{}, nil, false},
		{"escrow", syncer.Config{Mode: syncer.Escrow}, syncer.Config{Mode: syncer.Escrow}, nil, false},
		{"no limit", syncer.Config{Mode: syncer.Auto}, syncer.Config{Mode: syncer.Auto, Modes: one(syncer.Auto)}, nil, false},
		{"unknown", syncer.Config{}, syncer.Config{Mode: syncer.Escrow}, func(s syncer.Store) syncer.Store { return silentAs{s, 0} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, said := memstore.New(memstore.Config{}), &journal{}
				test.first.Node, test.second.Node = "one", "two"
				test.first.Logger = slog.New(slog.NewTextHandler(said, nil))
				second := syncer.Store(store)
				if test.says != nil {
					second = test.says(store)
				}
				nodes := []*node{
					newNode(t, store, engine.Limits{RPM: 600}, test.first, "a", "b"), newNode(t, second, engine.Limits{RPM: 600}, test.second, "a", "b"),
				}
				run(t, nodes...)
				time.Sleep(5 * time.Minute)
				want := 0
				if test.differ {
					want = 1
					require.Equal(t, 1, nodes[1].s.Stats().OtherModes)
				}
				require.Equal(t, want, nodes[0].s.Stats().OtherModes)
				require.Equal(t, want, said.count(otherMode))
				require.Equal(t, want, said.count("node=two"))
			})
		})
	}
}

// TestOtherModesEnd: a limit that is given back the node's own mode makes the nodes alike again, and a
// node in usage mode admits without a grant ten minutes after the last node in escrow mode has gone.
func TestOtherModesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		var of atomic.Uint32 // the mode of a limit
		of.Store(uint32(syncer.Escrow))
		cfg := cluster(engine.Limits{RPM: 600}, "a")
		cfg.Deployments[0].Profile = provider.Profile{Phase: 20 * time.Second}
		exact := newNodeOf(t, store, cfg, syncer.Config{Mode: syncer.Escrow})
		stop := run(t, exact)
		usage := newNodeOf(t, store, cfg, syncer.Config{Modes: func(string, window.Kind) syncer.Modes { return syncer.AllModes(syncer.Mode(of.Load())) }})
		run(t, usage)
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, exact.s.Stats().OtherModes)
		stop()
		of.Store(uint32(syncer.Usage))
		alike := newNodeOf(t, store, cfg, syncer.Config{})
		run(t, alike)
		time.Sleep(10 * time.Second)
		require.Zero(t, alike.s.Stats().OtherModes, "the limit has the node's mode again")
		require.Zero(t, usage.s.Stats().OtherModes, "the node of another mode has gone")
		usage.use("a", 1, 0)
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, syncer.Escrow, usage.account(window.KindPhased, syncer.CountRequests).Mode)
		time.Sleep(12 * time.Minute)
		rollover()
		time.Sleep(25 * time.Second)
		require.Equal(t, 600, usage.use("a", 700, 0), "without a grant")
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, syncer.Usage, usage.requests().Mode)
	})
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
