package page

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestAccountTexts: a row says what holds of each limit that is held by escrow or kept
// otherwise than configured, and nothing of those kept by usage as configured.
func TestAccountTexts(t *testing.T) {
	require.Equal(t, []string{
		"tpm by escrow: 1,200 of 4,000 granted used, 500 waiting, 3 refused at once, 2 after a wait",
		"rpm by usage, not by escrow: the store refuses its counter",
		"rpm by escrow: 0 of 0 granted used, not by usage: another node asked first in this window",
	}, accountTexts([]syncer.Account{
		{Count: syncer.CountTokens, Mode: syncer.Escrow, Configured: syncer.Escrow, Granted: 4000, Own: 1200, Waiting: 500, Missed: 3, Vain: 2},
		{Count: syncer.CountRequests, Configured: syncer.Escrow, Reason: "the store refuses its counter"},
		{Count: syncer.CountRequests},
		{Count: syncer.CountRequests, Mode: syncer.Escrow, Reason: "another node asked first in this window"},
	}))
}
