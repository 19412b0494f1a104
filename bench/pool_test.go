package bench

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestPools asks the pools for what their names promise: which deployment is
// the best one, and which are not to be had.
func TestPools(t *testing.T) {
	used := randomUsage(many)
	for _, s := range []engine.Strategy{lowest, even} {
		for i, state := range randomPool(s, many).engine.AppendStates(nil) {
			if state.ID != deploymentID(i) || state.Limit(engine.LimitTPM).Remote != used[i] {
				t.Fatalf("%s: deployment %d is %+v, want %d tokens used", s, i, state, used[i])
			}
		}
		best := func(k int) string {
			for i := range least(used, k) {
				if !least(used, k-1)[i] {
					return deploymentID(i) // the k-th least used
				}
			}
			return ""
		}
		for _, c := range []struct {
			name string
			pool pool
			d    engine.Demand
			want string
		}{
			{"random", randomPool(s, many), hundred, best(1)},
			{"1 cooling", coolingPool(s, 1)(), hundred, best(2)},
			{"100 cooling", coolingPool(s, 100)(), hundred, best(101)},
			{"room for one less", tightPool(s, 100)(), engine.Demand{InputTokens: small}, best(101)},
		} {
			if r, ok := c.pool.group.Pick(c.d); !ok || r.ID() != c.want {
				t.Errorf("%s, %s: picked %q, %v; want %q", s, c.name, r.ID(), ok, c.want)
			}
		}
		if r, ok := tightPool(s, 100)().group.Pick(hundred); !ok || r.ID() == best(101) {
			t.Errorf("%s: a small demand does not go to a tight deployment but to %q", s, r.ID())
		}
	}
}
