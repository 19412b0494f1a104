package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestWidth wants the deployments of a group that is searched by blocks in the order of the most
// tokens that a request may have on them, so that few blocks have headroom for some demands on a
// part of their deployments alone. Order comes first. Deployments alike, smaller groups and
// callers stay as configured.
func TestWidth(t *testing.T) {
	widths := []int{3000, 4000, 1000, 2000, 4000} // of these limits; those without any are alike
	limits := []engine.Limits{{TPM: 3000}, {RPM: 5}, {TPM: 9000, InputTPM: 1000}, {InputTPM: 2000}, {OutputTPM: 10}}
	for _, n := range []int{60, 64, 65, 200} {
		var cfg engine.Config
		configured := make([]int, n)
		for i := range n {
			configured[i] = i
			l := limits[i%len(limits)]
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: fmt.Sprint(i), Group: "chat", Order: i * 2 / n, Limits: l})
			cfg.Callers = append(cfg.Callers, engine.Caller{ID: fmt.Sprint(i), Limits: l})
		}
		searched := slices.Clone(configured)
		if n > 64 {
			slices.SortStableFunc(searched, func(a, b int) int {
				return (a*2/n-b*2/n)<<20 + widths[a%len(widths)] - widths[b%len(widths)]
			})
		}
		e, _ := start(t, cfg)
		require.Equal(t, searched, idsOf(e.AppendStates(nil)), n)
		require.Equal(t, configured, idsOf(e.AppendCallerStates(nil)), n)
	}
}

// idsOf returns the IDs of states, which are numbers.
func idsOf(states []engine.State) (ids []int) {
	for _, s := range states {
		var id int
		_, _ = fmt.Sscan(s.ID, &id)
		ids = append(ids, id)
	}
	return ids
}
