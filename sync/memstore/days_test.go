package memstore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestDaysLast: a day's totals outlive the day by three minutes, a minute's do not,
// and cooldowns go when they are over.
func TestDaysLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Config{FixedNames: true})
		for kind := range window.Kind(window.Kinds) {
			start, end := kind.Span(time.Now().Unix())
			d := window.Tally{ID: "a", Kind: kind, Start: start, Requests: 1, CoolUntil: time.Now().Add(time.Minute).UnixMilli()}
			seq := uint64(kind) * 10
			read := func() int64 {
				seq++
				var r syncer.Reply
				b := syncer.Batch{Node: "n", Seq: seq, Reads: []window.Tally{{ID: "a", Kind: kind, Start: start}}}
				require.NoError(t, s.Exchange(t.Context(), b, &r))
				if left := d.CoolUntil - time.Now().UnixMilli(); left > 0 {
					require.Equal(t, []window.Tally{{ID: "a", CoolUntil: d.CoolUntil}}, r.Cooling)
				} else {
					require.Empty(t, r.Cooling)
				}
				return r.Totals[0].Requests
			}
			seq++
			require.NoError(t, s.Exchange(t.Context(), syncer.Batch{Node: "n", Seq: seq, Deltas: []window.Tally{d}}, &syncer.Reply{}))
			time.Sleep(time.Until(time.Unix(end+65, 0)))
			require.EqualValues(t, 1, read(), "%s: its last changes may still come", kind)
			time.Sleep(2 * time.Minute)
			require.Zero(t, read(), kind)
		}
		totals, _ := s.Size()
		require.Zero(t, totals)
	})
}

// TestCooldownsAreBounded: what has passed is forgotten, and no reply holds more
// than it may.
func TestCooldownsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Config{FixedNames: true})
		var r syncer.Reply
		for seq := range uint64(3 * syncer.MaxCooling) {
			d := window.Tally{ID: fmt.Sprint(seq), CoolUntil: time.Now().Add(time.Minute).UnixMilli()}
			require.NoError(t, s.Exchange(t.Context(), syncer.Batch{Node: "n", Seq: seq + 1, Deltas: []window.Tally{d}}, &r))
			require.LessOrEqual(t, len(r.Cooling), syncer.MaxCooling)
		}
		require.Len(t, r.Cooling, syncer.MaxCooling)
		totals, _ := s.Size()
		require.Zero(t, totals, "a cooldown is no count")
		time.Sleep(time.Hour)
		require.NoError(t, s.Exchange(t.Context(), syncer.Batch{Node: "n", Seq: 1 << 20}, &r))
		require.Empty(t, r.Cooling)
	})
}
