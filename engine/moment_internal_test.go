package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// TestMomentWindows: the window of an instant is the same with and without its
// division, whatever was asked for before.
func TestMomentWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lengths := []int64{int64(time.Second), int64(10 * time.Second), window.Minute}
	for range 1000 {
		at := moment{now: 1_800_000_000_000_000_000 + r.Int64N(100*window.Minute)}
		for range 20 {
			ms := &meters{}
			m := meter{meterRule: meterRule{length: lengths[r.IntN(3)], phase: r.Int64N(window.Minute)}}
			if r.IntN(4) == 0 {
				m.phase = at.now % m.length // begins just now
			}
			ms.add(m, nil)
			got := &ms.list[0]
			require.Equal(t, got.window(0, at.now), at.window(got))
		}
	}
}
