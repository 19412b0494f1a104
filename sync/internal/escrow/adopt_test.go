package escrow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAdopt: an account that takes over what was shared by usage is granted what is used, and
// returns the rest, whatever a batch under way does to the counter.
func TestAdopt(t *testing.T) {
	for _, test := range []struct{ own, committed, flying int64 }{
		{5, 5, 0}, {9, 5, 4}, {9, 5, 2}, {3, 9, 0}, {3, 5, 4}, {3, 9, -4}, {5, 9, -4}, {0, 4, -4}, {0, 0, 0},
	} {
		c := counter(test.committed + test.flying) // as of when the batch is applied
		var a Account
		a.Adopt(test.own, test.committed, test.flying)
		require.Equal(t, test.committed, a.Committed(), "%+v", test)
		require.LessOrEqual(t, a.Granted(), test.own, "%+v", test)
		a.Applied()
		require.EqualValues(t, c, a.Committed(), "%+v", test)
		a.Overrun(test.own)
		c.exchange(&a, 100, 0)
		require.EqualValues(t, test.own, c, "%+v", test)
		require.Equal(t, test.own, a.Granted(), "%+v", test)
	}
}
