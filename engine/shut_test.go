package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// TestShutKeepsWhatWasReported: a deployment of which usage was reported is not closed, though
// all of that usage has been given back: opened again, it would report nothing, and other nodes
// would keep the earlier report. One of which nothing was reported is closed.
func TestShutKeepsWhatWasReported(t *testing.T) {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	for name, collected := range map[string]bool{"reported": true, "not reported": false} {
		e, err := New(Config{Clock: window.NewClockFrom(now), Deployments: []Deployment{{ID: "a", Group: "chat"}}})
		require.NoError(t, err)
		g, err := e.Group("chat")
		require.NoError(t, err)
		lease, ok := g.TryAcquire(Demand{InputTokens: 5, OutputTokens: NoOutput})
		require.True(t, ok)
		if collected {
			require.Len(t, e.Collect(nil), 1, name)
		}
		lease.Release()
		h := g.view.Load().handles[0]
		g.mu.Lock()
		closed := h.shut()
		g.mu.Unlock()
		require.Equal(t, !collected, closed, name)
		if collected {
			_, ok = g.TryAcquire(Demand{})
			require.True(t, ok, "the windows stay open")
		}
	}
}
