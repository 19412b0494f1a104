package escrow

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// bucketNode is a node's accounts of the slices of a bucket.
type bucketNode struct{ slices [12]Account }

// bucketWorld is nodes and a store, whose transactions are in some order; rule says what a
// slice may come to of what the store has.
type bucketWorld struct {
	nodes []bucketNode
	total [12]int64
	now   int // the slice that runs
	rule  func(total []int64, j int, limit int64) int64
}

// sliceRule is what a slice may come to by the totals of one transaction.
func sliceRule(total []int64, j int, limit int64) int64 {
	b := Bucket{limit: limit}
	for _, n := range total[:j] {
		b.Next(n)
	}
	return b.Most(total[j+1], total[j+2])
}

// level returns how full the bucket is at most in the slice that is granted most of it, if
// everything granted is used.
func (w *bucketWorld) level(limit int64) (most int64) {
	b := Bucket{limit: limit}
	for j := range w.total {
		granted := int64(0)
		for i := range w.nodes {
			granted += w.nodes[i].slices[j].Granted()
		}
		most = max(most, b.level+granted*Slices)
		b.Next(granted)
	}
	return most
}

// play has nodes ask, return, lose replies and go on to the next slice, at random, of the
// slice that runs, the next one and, by late clocks, the one before.
func (w *bucketWorld) play(r *rand.Rand, limit int64, steps int) (worst int64) {
	for range steps {
		if r.IntN(6) == 0 && w.now < len(w.total)-4 {
			w.now++
		}
		i, j := r.IntN(len(w.nodes)), max(w.now+r.IntN(3)-1, 0)
		a := &w.nodes[i].slices[j]
		switch r.IntN(5) {
		case 0:
			a.Lower(r.Int64N(a.Granted() + 1))
			continue
		case 1: // applied, and the reply is lost: what is asked for stays held
			w.total[j] += a.Send(r.Int64N(limit + 1))
			a.Applied()
			continue
		default:
			w.total[j] += a.Send(r.Int64N(limit + 1))
			a.Applied()
			a.Total(w.rule(w.total[:], j, limit), w.total[j], true)
		}
		worst = max(worst, w.level(limit))
	}
	return worst
}

// TestBuckets: whatever the nodes ask for, in whatever order, what they are granted of the
// slices of a bucket never fills it beyond its limit.
func TestBuckets(t *testing.T) {
	passed := func(rule func([]int64, int, int64) int64) (n int) {
		for seed := range uint64(20_000) {
			r := rand.New(rand.NewPCG(seed, 1))
			limit := []int64{1, 2, 6, 60, 100, 600}[seed%6]
			w := bucketWorld{nodes: make([]bucketNode, 2+seed%2), rule: rule}
			if w.play(r, limit, 60) > limit*Slices {
				n++
			}
		}
		return n
	}
	require.Zero(t, passed(sliceRule))
	require.NotZero(t, passed(func(total []int64, j int, limit int64) int64 {
		b := Bucket{limit: limit}
		for _, n := range total[:j] {
			b.Next(n)
		}
		return b.Most(0, 0)
	}), "without the next slices' parts")
	require.NotZero(t, passed(func(total []int64, j int, limit int64) int64 {
		b := Bucket{limit: limit}
		for _, n := range total[:j] {
			b.Next(n)
		}
		return b.Most(total[j+1], 0)
	}), "without that of the one after the next, which a node whose clock is ahead reserves")
	require.NotZero(t, passed(func(total []int64, j int, limit int64) int64 {
		b := Bucket{limit: limit}
		for _, n := range total[:j] {
			b.level = max(b.level+n*Slices-limit, 0)
		}
		return b.Most(total[j+1], total[j+2])
	}), "if what is charged in a slice refilled in it")
}

// TestABucketIsFullAtFirst: where nothing is known, all of a bucket may be used, and after 60
// slices of nothing it is empty.
func TestABucketIsFullAtFirst(t *testing.T) {
	b := FullBucket(100)
	require.EqualValues(t, 0, b.Most(0, 0))
	for range Slices / 2 {
		b.Next(0)
	}
	require.EqualValues(t, 50, b.Most(0, 0))
	for range Slices / 2 {
		b.Next(0)
	}
	require.EqualValues(t, 100, b.Most(0, 0))
	require.EqualValues(t, 60, b.Most(40, 0))
	b.Resize(50)
	require.EqualValues(t, 50, b.Most(0, 0))
}
