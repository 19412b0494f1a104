package syncer_test

import (
	"strings"
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

// TestReportedLimitsSpread: what one node's answers say of a limit is in force on the others
// after an exchange each, on a node that joins too, and is over on all once no answer says so.
// A node reports it to the store once in two and a half minutes, however many answers say the same.
func TestReportedLimitsSpread(t *testing.T) {
	for name, fixed := range map[string]bool{"epochs": false, "fixed names": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem := memstore.New(memstore.Config{FixedNames: fixed, Buckets: 3})
				store := &watched{Store: mem}
				limits := engine.Limits{TPM: 10_000}
				start := func() *node { return newNode(t, store, limits, syncer.Config{}, "a", "b") }
				x, y := start(), start()
				answer := func(n *node, limit int64) {
					s := provider.Signal{}.With(provider.TPM, provider.Reading{Limit: limit})
					require.NoError(t, n.e.Observe("a", s))
				}
				most := func(n *node, id string) int64 { return n.state(id).Limit(engine.LimitTPM).Max }
				sync := func(nodes ...*node) {
					for _, n := range nodes {
						n.sync()
					}
				}
				answer(x, 4000)
				sync(x, y)
				require.EqualValues(t, 4000, most(y, "a"))
				require.EqualValues(t, 10_000, most(y, "b"))
				time.Sleep(time.Second)
				answer(y, 3000)
				sync(y, x)
				require.EqualValues(t, 3000, most(x, "a"), "the lowest")

				z := start()
				z.use("a", 1, 0)
				sync(z)
				require.EqualValues(t, 3000, most(z, "a"), "joined")

				mem.Wipe()
				w := start()
				for range 8 {
					time.Sleep(time.Second)
					sync(x, y, z, w)
				}
				require.EqualValues(t, 3000, most(w, "a"), "reported again to an emptied store")

				reported := func() (n int) {
					for _, b := range store.batches {
						for _, d := range b.Deltas {
							if strings.HasPrefix(d.ID, window.LimitPrefix) && d.CoolUntil != 0 {
								n++
							}
						}
					}
					return n
				}
				before := reported()
				for range 600 { // ten minutes, all nodes the same limit
					time.Sleep(time.Second)
					for _, n := range []*node{x, y, z, w} {
						answer(n, 3000)
						n.sync()
						require.EqualValues(t, 3000, most(n, "a"))
					}
				}
				require.LessOrEqual(t, reported()-before, 5*4)
				require.Greater(t, reported(), before)
				for range 301 {
					time.Sleep(time.Second)
					sync(x, y, z, w)
				}
				for _, n := range []*node{x, y, z, w} {
					require.EqualValues(t, 10_000, most(n, "a"), "over")
				}
			})
		})
	}
}
