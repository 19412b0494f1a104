package litellm_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
)

// exchange is one tick of a process.
func exchange(s *litellm.Strategy, store *litellm.Shared, now time.Time, meanwhile int) {
	pushes := s.AppendPushes(nil, now)
	store.Add(pushes)
	for range meanwhile {
		s.PreCheck(now, 0)
	}
	s.Merge(now, pushes)
}

func TestSharedRequests(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	process := func() *litellm.Strategy {
		return litellm.New([]litellm.Deployment{{ID: "a", RPM: 100, TPM: math.Inf(1)}})
	}
	store, a, b := litellm.NewShared(), process(), process()
	for range 5 {
		a.PreCheck(now, 0)
	}
	exchange(a, store, now, 0)
	require.EqualValues(t, 5, a.Requests(now, 0))

	exchange(b, store, now, 0)
	require.Zero(t, b.Requests(now, 0), "a node that pushes nothing receives no total")
	b.PreCheck(now, 0)
	exchange(b, store, now, 2)
	require.EqualValues(t, 8, b.Requests(now, 0), "5 of a's, its own, and 2 meanwhile")
	exchange(b, store, now, 0)

	a.PreCheck(now, 0)
	exchange(a, store, now, 10)
	require.EqualValues(t, 16, a.Requests(now, 0), "memory that is ahead of the total (9) keeps its count")

	later := now.Add(time.Minute)
	a.PreCheck(later, 0)
	exchange(a, store, later, 0)
	require.EqualValues(t, 1, a.Requests(later, 0), "a minute begins at nothing")
}
