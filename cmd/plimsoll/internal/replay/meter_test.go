package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func TestMeter(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int64
		want  int64
	}{
		{"a limit", 100, 20 + 5},
		{"no limit", 0, 0},
		{"nothing allowed", engine.Blocked, 60 + 60 + 105 + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := meter{limit: tt.limit}
			for _, add := range []struct{ second, tokens int64 }{
				{0, 60}, {59, 60}, // 20 above
				{60, 0}, {119, 105}, // 5 above
				{300, 1},
			} {
				m.add(Start.Add(time.Duration(add.second)*time.Second), add.tokens)
			}
			require.Equal(t, tt.want, m.overrun)
		})
	}
}

func TestFairness(t *testing.T) {
	used := func(tokens, limit int64) DeploymentReport { return DeploymentReport{Tokens: tokens, TPMLimit: limit} }
	for _, tt := range []struct {
		name string
		of   []DeploymentReport
		want float64
	}{
		{"nothing", nil, 1},
		{"unused", []DeploymentReport{used(0, 10), used(0, 20)}, 1},
		{"alike", []DeploymentReport{used(5, 10), used(10, 20), used(500, 1000)}, 1},
		{"one of four", []DeploymentReport{used(0, 10), used(10, 10), used(0, 10), used(0, 10)}, 0.25},
		{"half as much", []DeploymentReport{used(10, 10), used(10, 20)}, 0.9},
		{"no limits count", []DeploymentReport{used(10, 10), used(10, 20), used(99, 0), used(0, engine.Blocked)}, 0.9},
	} {
		t.Run(tt.name, func(t *testing.T) { require.InDelta(t, tt.want, fairness(tt.of), 1e-12) })
	}
}
