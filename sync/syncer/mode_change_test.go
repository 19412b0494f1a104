package syncer_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestModeChangesWithTheWindow: nodes whose configuration changes from escrow to usage hold to grants
// until the windows end that they hold by escrow, and share usage afterwards.
func TestModeChangesWithTheWindow(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits engine.Limits
		limit  engine.Limit
		kind   window.Kind
		all    bool // nodes change
	}{
		{"one node, a minute", engine.Limits{RPM: 600}, engine.LimitRPM, window.KindMinute, false},
		{"all nodes, a minute", engine.Limits{RPM: 600}, engine.LimitRPM, window.KindMinute, true},
		{"one node, an hour", engine.Limits{RPH: 600}, engine.LimitRPH, window.KindHour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				var of [2]atomic.Uint32
				var nodes [2]*node
				for i := range nodes {
					of[i].Store(uint32(syncer.Escrow))
					modes := func(string, window.Kind) syncer.Modes { return syncer.AllModes(syncer.Mode(of[i].Load())) }
					nodes[i] = nodeIn(t, store, test.limits, syncer.Config{Mode: syncer.Escrow, Modes: modes})
				}
				changes := nodes[1]
				mode := func() syncer.Mode { return changes.account(test.kind, syncer.CountRequests).Mode }
				rollover()
				for _, n := range nodes {
					take(n, 10)
				}
				time.Sleep(time.Second)
				of[1].Store(uint32(syncer.Usage))
				if test.all {
					of[0].Store(uint32(syncer.Usage))
				}
				time.Sleep(2 * time.Second)
				require.Equal(t, syncer.Escrow, mode())
				for range 100 {
					for _, n := range nodes {
						take(n, 20)
					}
					time.Sleep(20 * time.Millisecond)
				}
				got := int64(0)
				for _, n := range nodes {
					got += n.state("a").Limit(test.limit).Used - n.state("a").Limit(test.limit).Remote
				}
				require.EqualValues(t, 600, got)
				if test.all {
					rollover()
					rollover()
					take(changes, 1)
					time.Sleep(time.Second)
					require.Equal(t, syncer.Usage, mode())
				}
			})
		})
	}
}
