package counter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHeldOfExpiredLeases: a lease that has expired, however long ago, changes nothing of
// what later leases hold when it adds output or ends.
func TestHeldOfExpiredLeases(t *testing.T) {
	const now, ttl = int64(30_000_239), int64(14)
	for _, age := range []int64{slots, 2 * slots, 128, 129, 144, 1 << 16, 1 << 18} {
		var h Held
		h.Add(now-age, 7)
		h.Add(now, 10)
		h.Add(now-age, 5)
		require.EqualValues(t, 10, h.Sum(now, ttl), "%d slots ago", age)
		h.Add(now-age, -12)
		require.EqualValues(t, 10, h.Sum(now, ttl), "%d slots ago", age)
		h.Add(now, -10)
		require.Zero(t, h.Sum(now, ttl))
		h.Add(now+slots, 3)
		require.EqualValues(t, 3, h.Sum(now+slots, ttl))
	}
}
