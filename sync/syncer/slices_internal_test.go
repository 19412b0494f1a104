package syncer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/internal/escrow"
)

// TestSliceTotalsOfAsks: what a slice may come to, for an ask, rests on totals of its neighbours that are
// final or of the latest answer. Another one counts as none: what the nodes had reserved of that slice they
// may have returned since, and with it this node would take a bucket for full that it could never find
// empty. A grant needs all totals.
func TestSliceTotalsOfAsks(t *testing.T) {
	const (
		second = int64(1e9)
		slice  = int64(1_000_000) // the one asked for
		limit  = 600
		part   = 200 // committed in a neighbour
	)
	for _, test := range []struct {
		name   string
		at     int64 // of the neighbour, from the slice
		read   int64 // when the total was read, seconds from the neighbour's start
		latest bool  // it is of the latest answer
		most   int64
	}{
		{"before, latest", -1, 1, true, limit - part},
		{"before, older", -1, 1, false, limit},
		{"before, older, read too early to be final", -1, unsettled, false, limit},
		{"before, older, final", -1, unsettled + 1, false, limit - part},
		{"next, latest", 1, -1, true, limit - part},
		{"next, older", 1, -1, false, limit},
		{"after that, latest", 2, -2, true, limit - part + limit/escrow.Slices},
		{"after that, older", 2, -2, false, limit},
		{"not known", -1, 0, false, limit},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &sliceTotals{tick: 7}
			s.begin(slice, Count{Requests: limit})
			if test.name != "not known" {
				s.learn(slice+test.at, Count{Requests: part}, (slice+test.at+test.read)*second)
			}
			if !test.latest {
				s.tick++
			}
			require.EqualValues(t, test.most, s.most(slice, 0, limit, false))
			require.Zero(t, s.most(slice, 0, limit, true), "a grant, while other totals are missing")
		})
	}
}

// TestSliceTotalsOfGrants: a grant takes in every neighbour, and none that is neither final nor of the
// latest answer.
func TestSliceTotalsOfGrants(t *testing.T) {
	const slice, limit = int64(1_000_000), 600
	all := func() *sliceTotals {
		s := &sliceTotals{tick: 7}
		s.begin(slice, Count{Requests: limit})
		for k := s.from; k <= slice+2; k++ {
			s.learn(k, Count{Requests: 1}, k*1e9)
		}
		return s
	}
	require.Positive(t, all().most(slice, 0, limit, true))
	for _, k := range []int64{slice - escrow.Slices, slice - 1, slice + 1, slice + 2} {
		s := all()
		s.of(k).tick--
		require.Zero(t, s.most(slice, 0, limit, true), "the total %d slices off is older", k-slice)
		s.of(k).final = true
		require.Positive(t, s.most(slice, 0, limit, true), "the total %d slices off is final", k-slice)
	}
}
