package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// TestCheck wants a violated invariant to panic with the build tag, and not to be evaluated without.
func TestCheck(t *testing.T) {
	evaluated := 0
	check := func(holds bool) func() {
		return func() {
			invariants.Check(func() bool { evaluated++; return holds }, "leases end once (protocol 6)")
		}
	}
	if !invariants.Enabled {
		require.NotPanics(t, check(false))
		require.Zero(t, evaluated)
		return
	}
	require.NotPanics(t, check(true))
	require.PanicsWithValue(t, "invariant violated: leases end once (protocol 6)", check(false))
	require.Equal(t, 2, evaluated)
}
