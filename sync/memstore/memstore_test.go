package memstore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func TestStore(t *testing.T) {
	for _, buckets := range []int{0, 1, 16} {
		for _, fixed := range []bool{false, true} {
			t.Run(fmt.Sprint(buckets, " ", fixed), func(t *testing.T) {
				storetest.Run(t, func(*testing.T) syncer.Store {
					return memstore.New(memstore.Config{Buckets: buckets, FixedNames: fixed})
				})
			})
		}
	}
}

func exchange(t *testing.T, s *memstore.Store, seq uint64, id string, n int64) (r syncer.Reply) {
	t.Helper()
	b := syncer.Batch{Node: "n", Seq: seq, Deltas: []window.Tally{{ID: id, Requests: n, Tokens: n}}}
	require.NoError(t, s.Exchange(t.Context(), b, &r))
	return r
}

// TestSmall: a store that is used for ever does not grow.
func TestSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Config{FixedNames: true})
		for i := range uint64(5000) {
			exchange(t, s, i+1, fmt.Sprint(i), 1)
			time.Sleep(time.Second)
		}
		totals, marks := s.Size()
		require.LessOrEqual(t, totals, 140)
		require.LessOrEqual(t, marks, 140)
		require.Equal(t, 1, exchange(t, s, 5001, "a", 1).Nodes)
	})
}

func TestSnapshot(t *testing.T) {
	s := memstore.New(memstore.Config{FixedNames: true})
	first := exchange(t, s, 1, "a", 1)
	saved := s.Save()
	exchange(t, s, 2, "a", 1)
	s.Load(saved)
	require.Equal(t, int64(1), s.Total("a", 0).Requests)
	r := exchange(t, s, 3, "a", 5)
	require.True(t, r.PrevMissing)
	require.Equal(t, first.Generation, r.Generation)
	s.Load(saved)
	require.Equal(t, int64(1), s.Total("a", 0).Requests, "a snapshot does not change")
}

func TestWipe(t *testing.T) {
	s := memstore.New(memstore.Config{FixedNames: true})
	before := exchange(t, s, 1, "a", 1).Generation
	s.Wipe()
	r := exchange(t, s, 1, "a", 2)
	require.NotEqual(t, before, r.Generation)
	require.Equal(t, int64(2), r.Totals[0].Requests)
}

func TestEvict(t *testing.T) {
	s := memstore.New(memstore.Config{FixedNames: true})
	exchange(t, s, 1, "a", 1)
	exchange(t, s, 2, "b", 1)
	s.Evict("a", 0)
	require.Zero(t, s.Total("a", 0).Requests)
	require.Equal(t, int64(1), s.Total("b", 0).Requests)
}

func TestOverflowIsRefused(t *testing.T) {
	s := memstore.New(memstore.Config{FixedNames: true})
	exchange(t, s, 1, "a", 1<<62)
	b := syncer.Batch{Node: "n", Seq: 2, Deltas: []window.Tally{{ID: "a", Requests: 1 << 62, Tokens: -1}}}
	var r syncer.Reply
	require.NoError(t, s.Exchange(t.Context(), b, &r))
	require.Equal(t, []window.Tally{{ID: "a", Requests: 1 << 62}}, r.Refused)
	require.Equal(t, int64(1<<62-1), r.Totals[0].Tokens)
}
