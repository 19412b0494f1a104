package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestTiesWhereverTheyStand: up to 64 deployments that are equally used are chosen equally
// often, wherever they stand in a group of any size.
func TestTiesWhereverTheyStand(t *testing.T) {
	even := func(tied, n, i int) bool { return i*tied/n != (i+1)*tied/n }
	places := map[string]func(tied, n, i int) bool{
		"clustered":         func(tied, _, i int) bool { return i < tied },
		"spread":            even,
		"one apart":         func(tied, n, i int) bool { return i == 0 || i > n-tied },
		"across two blocks": func(tied, n, i int) bool { return i >= n/2-1 && i < n/2-1+tied },
	}
	most := 1000
	if !full {
		most = 200
	}
	sizes, ties := []int{40, 65, most}, []int{2, 17, 64}
	if raceEnabled { // one goroutine: nothing to find but time to lose
		sizes, ties = []int{65}, []int{17}
	}
	for _, n := range sizes {
		for _, tied := range ties {
			for name, among := range places {
				for _, s := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM} {
					if tied >= n || name == "across two blocks" && tied > n/2 {
						continue
					}
					t.Run(fmt.Sprint(tied, " of ", n, " ", name, " ", s), func(t *testing.T) {
						e, _ := start(t, chat(s, n, engine.Limits{TPM: 1_000_000}))
						g := group(t, e, "chat")
						best := map[string]bool{}
						for i := range n {
							used := int64(1000)
							if among(tied, n, i) {
								used, best[id(i)] = 50, true
							}
							record(t, e, id(i), used)
						}
						require.Len(t, best, tied)
						const each = 2500 // 10 % are 5 standard deviations
						hits := countPicks(g, exactly(1), each*tied)
						for d := range best {
							require.InDelta(t, each, hits[d], each/10, d)
						}
						lease := acquire(t, g, exactly(1))
						require.True(t, best[lease.Ref().ID()])
					})
				}
			}
		}
	}
}
