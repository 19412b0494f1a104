package escrow

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// counter is a store of one account.
type counter int64

func (c *counter) exchange(a *Account, limit, ask int64) (granted int64) {
	*c += counter(a.Send(ask))
	a.Applied()
	return a.Total(limit, int64(*c), true)
}

func TestGrant(t *testing.T) {
	var c counter
	var a, b Account
	require.EqualValues(t, 7, c.exchange(&a, 10, 7))
	require.EqualValues(t, 3, c.exchange(&b, 10, 5), "what is left")
	require.EqualValues(t, 12, c, "the rest is still held")
	require.True(t, b.Due())
	require.EqualValues(t, 0, c.exchange(&b, 10, 0))
	require.EqualValues(t, 10, c)
	require.EqualValues(t, 7, b.Remote())
	require.Zero(t, b.Left(10))
}

func TestReturn(t *testing.T) {
	var c counter
	var a, b Account
	c.exchange(&a, 10, 10)
	a.Lower(4)
	require.EqualValues(t, 6, a.Granted())
	require.EqualValues(t, 10, c)
	require.EqualValues(t, 3, c.exchange(&a, 10, 3), "what was to be returned is asked for")
	require.EqualValues(t, 1, c.exchange(&b, 10, 5))
	a.Lower(100)
	require.Zero(t, a.Granted())
}

func TestLimitChanges(t *testing.T) {
	var c counter
	var a Account
	c.exchange(&a, 10, 10)
	require.Zero(t, c.exchange(&a, 5, 1), "lowered")
	require.EqualValues(t, 10, a.Granted())
	require.EqualValues(t, 1, c.exchange(&a, 20, 1), "raised")
	require.EqualValues(t, 11, c)
}

func TestOverrun(t *testing.T) {
	var c counter
	var a Account
	c.exchange(&a, 10, 8)
	require.EqualValues(t, 5, a.Overrun(13))
	require.Zero(t, a.Overrun(12))
	require.EqualValues(t, 13, a.Granted())
	c.exchange(&a, 10, 0)
	require.EqualValues(t, 13, c, "committed whatever the limit")
}

func TestRepetitionHoldsUntilATotal(t *testing.T) {
	var a Account
	require.EqualValues(t, 5, a.Send(5))
	a.Applied() // by a reply without a total
	require.Zero(t, a.Granted())
	require.True(t, a.Holds())
	require.Zero(t, a.Send(0))
	a.Applied()
	require.EqualValues(t, 2, a.Total(10, 13, true), "8 are others'")
}

func TestEpoch(t *testing.T) {
	var c counter
	var a, b Account
	c.exchange(&a, 10, 6)
	c.exchange(&b, 10, 3)
	c.exchange(&a, 10, 0)
	c = 0
	a.Renew()
	require.EqualValues(t, 6, a.Send(2)-2)
	a.Applied()
	require.Zero(t, a.Total(10, 8, false), "not yet")
	require.EqualValues(t, 6, a.Granted())
	c = counter(8 + a.Send(0))
	a.Applied()
	a.Total(10, int64(c), false)
	require.EqualValues(t, 1, c.exchange(&a, 10, 5), "b's node is gone: what it had used stays counted")
}

// TestAsksAreNotAddedAgain: what a node asks for after a loss is no part of what a node that
// has gone had used.
func TestAsksAreNotAddedAgain(t *testing.T) {
	var c counter
	var a, b, gone Account
	c.exchange(&gone, 100, 50)
	c.exchange(&b, 100, 20)
	c.exchange(&a, 100, 30)
	c = 0
	b.Renew()
	a.Renew()
	for _, n := range []*Account{&b, &a} {
		c += counter(n.Send(0))
		n.Applied()
		n.AddedAgain(int64(c))
		n.Total(100, int64(c), false)
	}
	require.EqualValues(t, 50, c)
	c += counter(b.Send(40)) // its answer is on the way
	require.Zero(t, c.exchange(&a, 100, 0))
	b.Applied()
	b.Total(100, int64(c), true)
	c.exchange(&b, 100, 0)
	require.Zero(t, c.exchange(&a, 100, 40), "50 are used by the node that has gone")
}

// TestSerial: nodes that exchange one after the other never are granted more than the
// limit, and the counter contains what they are granted and have yet to return.
func TestSerial(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 17))
		var c counter
		nodes := make([]Account, 1+r.IntN(6))
		limit := 1 + r.Int64N(1000)
		for range 500 {
			a := &nodes[r.IntN(len(nodes))]
			if r.IntN(3) == 0 {
				a.Lower(r.Int64N(limit + 1))
			} else {
				c.exchange(a, limit, r.Int64N(limit))
			}
			var granted, committed int64
			for i := range nodes {
				granted += nodes[i].Granted()
				committed += nodes[i].Committed()
			}
			require.LessOrEqual(t, granted, limit)
			require.EqualValues(t, committed, c)
		}
	}
}
