package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHashSpreadsNames: names that differ in a few digits are spread over a map's buckets, and
// over the tags within a bucket, as random numbers would be.
func TestHashSpreadsNames(t *testing.T) {
	for _, format := range []string{"d%d", "deployment-%05d", "eu-west/%d/gpt-4o", "%04d of some length"} {
		for seed := range uint64(16) {
			var buckets [1024]int
			var tags [128]int
			seen := map[uint64]bool{}
			for i := range 4096 {
				x := hash(fmt.Sprintf(format, i), seed)
				seen[x] = true
				buckets[x>>7&1023]++
				tags[x&127]++
			}
			require.Len(t, seen, 4096)
			require.LessOrEqual(t, slices.Max(buckets[:]), 5*4, "%s, seed %d", format, seed)
			require.LessOrEqual(t, slices.Max(tags[:]), 2*32, "%s, seed %d", format, seed)
		}
	}
	require.NotEqual(t, hash("a", 1), hash("a", 2))
	require.NotEqual(t, hash("a", 1), hash("a\x00", 1))
}
