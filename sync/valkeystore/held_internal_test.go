package valkeystore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestHeldText: a mode is read as it is written; any other text is unknown.
func TestHeldText(t *testing.T) {
	for which := range syncer.Counts(1 << counterCount) {
		h := syncer.HeldBy(which)
		require.Equal(t, h, parseHeld(heldText(h)))
	}
	for _, text := range []string{"", "rt", "t-", "tt", "tx", "T", "5"} {
		require.False(t, parseHeld(text).Known(), text)
	}
}
