package escrow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMissing: after a loss, the difference between the highest total of all epochs and the highest of what
// nodes added again stays committed.
func TestMissing(t *testing.T) {
	const limit = 100
	var a Account
	a.Total(limit, 80, true)
	a.Total(limit, 50, true) // other nodes have returned 30
	a.Renew()
	require.True(t, a.Misses())
	a.AddedAgain(20)
	a.AddedAgain(10) // a node has returned 10 since
	require.EqualValues(t, 40, a.Send(40))
	a.Applied()
	require.EqualValues(t, 30, a.Total(limit, 10+40, true), "of 100, without 10 added again and 60 missing")
	require.False(t, a.Misses())
	require.EqualValues(t, 70, a.Remote(), "10 and 60")

	var unused Account
	unused.Renew()
	require.False(t, unused.Misses(), "it has known no total")
}

// TestLowerBeforeCommitted: a part that no batch has added yet needs none to return it.
func TestLowerBeforeCommitted(t *testing.T) {
	var a Account
	a.Overrun(10)
	require.True(t, a.Due())
	require.EqualValues(t, 10, a.Reserved(), "the next batch adds it")
	a.Lower(10)
	require.False(t, a.Due())
	require.Zero(t, a.Send(0))
}

// TestLeftWhileReturning: what a batch in doubt returns is left of the limit.
func TestLeftWhileReturning(t *testing.T) {
	const limit = 100
	var a Account
	var c counter
	require.EqualValues(t, 10, c.exchange(&a, limit, 10))
	a.Lower(4)
	require.EqualValues(t, 94, a.Left(limit))
	require.EqualValues(t, -4, a.Send(0))
	require.EqualValues(t, 94, a.Left(limit))
}

// TestAdoptNothing: an account that begins with less than nothing in its counter is granted nothing.
func TestAdoptNothing(t *testing.T) {
	var a Account
	a.Adopt(5, -3, 0)
	require.Zero(t, a.Granted())
	require.False(t, a.Due())
}

// TestBucketOverfull: a slice admits nothing where the two after it have reserved more than the bucket.
func TestBucketOverfull(t *testing.T) {
	b := Bucket{limit: 600}
	require.Zero(t, b.Most(300, 301))
	require.Positive(t, b.Most(300, 200))
}
