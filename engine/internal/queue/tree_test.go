package queue_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
)

type waiter struct {
	place int
	cost  queue.Cost
}

func (w *waiter) Place() *int { return &w.place }

// TestTree: a tree finds what a list finds, whatever joins, leaves and is charged again.
func TestTree(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var tree queue.Tree[*waiter]
		var list []*waiter
		charge := func() queue.Cost { return queue.Cost{r.Int64N(8), r.Int64N(8), r.Int64N(8), 1, 1} }
		for range 300 {
			switch at := r.IntN(max(len(list), 1)); r.IntN(4) {
			case 0, 1:
				w := &waiter{cost: charge()}
				list = append(list, w)
				tree.Push(w, w.cost)
			case 2:
				if len(list) != 0 {
					tree.Remove(list[at])
					list = slices.Delete(list, at, at+1)
				}
			case 3:
				if len(list) != 0 {
					list[at].cost = charge()
					tree.Charge(list[at], list[at].cost)
				}
			}
			require.Equal(t, len(list), tree.Len)
			require.True(t, slices.Equal(list, slices.Collect(tree.All())))
			if len(list) == 0 {
				continue
			}
			require.Same(t, list[0], tree.Head())
			most, work, free := charge(), 10_000, 10_000
			fits := func(c *queue.Cost) bool { return c[0] <= most[0] && c[1] <= most[1] && c[2] <= most[2] }
			from := r.IntN(len(list))
			var first *waiter
			if i := slices.IndexFunc(list[from:], func(w *waiter) bool { return fits(&w.cost) }); i >= 0 {
				first = list[from+i]
			}
			tree.Fitted = 0
			found, place := tree.Search(list[from].place, &work, fits)
			require.Same(t, first, found)
			if found != nil {
				require.Equal(t, found.place, place)
				require.Equal(t, found.cost, *tree.Charged(found))
			}
			if found != nil { // what is known to fit saves calls, and changes neither the finding nor the work
				again, left := 10_000, 10_000
				next, at := tree.Search(place+1, &again, fits)
				tree.Fitted = 0
				same, there := tree.Search(place+1, &left, fits)
				require.Same(t, same, next)
				require.Equal(t, []int{there, left}, []int{at, again})
			}
			least := int64(math.MaxInt64)
			for _, w := range list {
				least = min(least, w.cost[0])
			}
			require.Equal(t, least, tree.Earliest(-1, &free, func(c *queue.Cost) int64 { return c[0] }))
			least, free = 0, tree.Nodes()
			require.Equal(t, least, tree.Earliest(0, &free, func(*queue.Cost) int64 { return 0 }))
			require.GreaterOrEqual(t, free, 0)
			require.Less(t, free, tree.Nodes(), "it looked")
		}
	}
}

// TestSearchEndsWithItsWork: a search that has no work left says where to go on.
func TestSearchEndsWithItsWork(t *testing.T) {
	var tree queue.Tree[*waiter]
	for range 64 {
		tree.Push(&waiter{}, queue.Cost{1, 1, 1, 1, 1})
	}
	work := 3
	w, next := tree.Search(10, &work, func(c *queue.Cost) bool { return *c == queue.Cost{} })
	require.Nil(t, w)
	require.Equal(t, 64, next, "nothing fits below the root: one look")
	calls := 0
	w, next = tree.Search(10, &work, func(*queue.Cost) bool { calls++; return calls == 1 })
	require.NotNil(t, w, "all are charged alike: what fits the root fits all")
	require.Equal(t, 10, next)
	require.Equal(t, 11, tree.Fitted)
	tree.Charge(w, queue.Cost{})
	work = 64
	w, _ = tree.Search(11, &work, func(c *queue.Cost) bool { require.NotEqual(t, queue.Cost{}, *c, "known to fit"); return true })
	require.NotNil(t, w)
	work = 0
	w, next = tree.Search(10, &work, func(*queue.Cost) bool { t.Fatal("no work is left"); return true })
	require.Nil(t, w)
	require.Equal(t, 10, next)
}

// TestBell: a ring without a waiter is none, and two rings are one.
func TestBell(t *testing.T) {
	b := queue.NewBell(nil)
	b.Ring()
	require.Empty(t, b.Rung)
	b.Waiting.Add(1)
	b.Ring()
	b.Reevaluate()
	require.Len(t, b.Rung, 1)
	require.True(t, b.Reevaluating.Load())
	later := queue.NewBell(func(strike func()) { strike() })
	later.Waiting.Add(1)
	later.Ring()
	require.Len(t, later.Rung, 1)
}
