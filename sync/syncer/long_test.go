package syncer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// longSource is a source with limits on the input and output of a day.
type longSource struct {
	used   int64
	remote window.Share
}

func (s *longSource) Collect(dst []window.Report) []window.Report {
	return append(dst,
		window.Report{Tally: window.Tally{ID: "a", Start: minute(), Requests: 1}, RequestLimit: 10},
		window.Report{
			Tally:      window.Tally{ID: "a", Kind: window.KindDay, Start: midnight(), Input: s.used, Output: 2 * s.used},
			InputLimit: 1000, OutputLimit: 2000,
		})
}

func (s *longSource) Absorb(shares []window.Share) {
	for i := range shares {
		if shares[i].Kind == window.KindDay {
			s.remote = shares[i]
		}
	}
}

// TestEveryCountOfALongWindow: nodes share each count of an hour or a day that has a limit, as
// those of a minute.
func TestEveryCountOfALongWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		sources := [2]*longSource{{used: 30}, {used: 40}}
		var nodes [2]*syncer.Syncer
		for i, src := range sources {
			s, err := syncer.New(src, store, syncer.Config{})
			require.NoError(t, err)
			nodes[i] = s
		}
		for range 3 {
			for _, s := range nodes {
				require.NoError(t, s.Sync(context.Background()))
				time.Sleep(time.Second)
			}
		}
		require.Equal(t, [2]int64{40, 80}, [2]int64{sources[0].remote.Input, sources[0].remote.Output})
		require.Equal(t, [2]int64{30, 60}, [2]int64{sources[1].remote.Input, sources[1].remote.Output})
		limits := map[string]int64{}
		for _, a := range nodes[0].AppendAccounts(nil) {
			limits[a.Name()] = a.Limit
		}
		require.Equal(t, map[string]int64{"rpm": 10, "input_tpd": 1000, "output_tpd": 2000}, limits)
	})
}
