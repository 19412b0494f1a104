package syncer_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

var unlimited = engine.Limits{}

// TestEachFault: three nodes under load, half a minute of one kind of fault, and
// then every sum is exact.
func TestEachFault(t *testing.T) {
	tests := []struct {
		name string
		plan storetest.Plan
		// every is called once a second while the fault lasts.
		every func(i int, store *memstore.Store, ways []*storetest.Faulty)
		// check looks at the statistics of the nodes together.
		check func(t *testing.T, s syncer.Stats)
	}{
		{name: "none", check: func(t *testing.T, s syncer.Stats) { require.Zero(t, s.Failures) }},
		{name: "requests get lost", plan: storetest.Plan{LoseRequest: 0.3}, check: inDoubt},
		{name: "replies get lost", plan: storetest.Plan{LoseReply: 0.3}, check: duplicates},
		{name: "replies get lost in silence", plan: storetest.Plan{LoseReply: 0.3, Hang: 1}, check: duplicates},
		{name: "requests arrive twice", plan: storetest.Plan{Repeat: 1}},
		{name: "requests arrive late", plan: storetest.Plan{Late: 0.3, Hang: 0.5}, check: inDoubt},
		{name: "slow", plan: storetest.Plan{MinDelay: 20 * time.Millisecond, MaxDelay: 250 * time.Millisecond}},
		{name: "slower than any timeout", plan: storetest.Plan{MinDelay: 1100 * time.Millisecond, MaxDelay: 1200 * time.Millisecond}, check: inDoubt},
		{name: "all at once", plan: storetest.Plan{
			LoseRequest: 0.1, LoseReply: 0.1, Repeat: 0.1, Late: 0.1, Hang: 0.5, MaxDelay: 100 * time.Millisecond,
		}, check: inDoubt},
		{name: "away", plan: storetest.Plan{LoseRequest: 1}, check: inDoubt},
		{name: "hanging", plan: storetest.Plan{LoseRequest: 1, Hang: 1}, check: inDoubt},
		{name: "emptied", every: func(i int, store *memstore.Store, _ []*storetest.Faulty) {
			if i%5 == 0 {
				store.Wipe()
			}
		}, check: func(t *testing.T, s syncer.Stats) { require.GreaterOrEqual(t, s.Reseeded, int64(15)) }},
		{name: "emptied while replies get lost", plan: storetest.Plan{LoseReply: 0.3}, every: func(_ int, store *memstore.Store, _ []*storetest.Faulty) {
			store.Wipe()
		}},
		{name: "failing over to a replica behind", every: rollback(), check: func(t *testing.T, s syncer.Stats) {
			require.NotZero(t, s.Reseeded)
			require.Zero(t, s.Replayed)
		}},
		{name: "the epoch deleted", every: func(i int, store *memstore.Store, _ []*storetest.Faulty) {
			if i%5 == 0 {
				store.DropEpochs()
			}
		}, check: func(t *testing.T, s syncer.Stats) { require.GreaterOrEqual(t, s.Reseeded, int64(15)) }},
		{name: "failing over while replies get lost", plan: storetest.Plan{LoseReply: 0.3}, every: rollback()},
		{name: "one node cut off", every: func(_ int, _ *memstore.Store, ways []*storetest.Faulty) { ways[0].SetDown(true) }},
		{name: "coming and going", every: func(i int, _ *memstore.Store, ways []*storetest.Faulty) {
			for j, w := range ways {
				w.SetDown((i+j)%3 == 0)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{Buckets: 2})
				var nodes []*node
				var ways []*storetest.Faulty
				for i := range 3 {
					ways = append(ways, storetest.NewFaulty(store, uint64(i), storetest.Plan{}))
					nodes = append(nodes, newNode(t, ways[i], unlimited, syncer.Config{}, "a", "b", "c"))
				}
				stop := run(t, nodes...)
				time.Sleep(200 * time.Millisecond) // until they have met the store
				for _, w := range ways {
					w.SetPlan(test.plan)
				}
				used := map[windowKey]syncer.Count{}
				for i := range 30 {
					if test.every != nil {
						test.every(i, store, ways)
					}
					for range 10 {
						for j, n := range nodes {
							id := []string{"a", "b", "c"}[(i+j)%3]
							began := time.Now()
							c := used[windowKey{id: id, start: minute()}]
							c.Requests += int64(n.use(id, 1+j, int64(10*i)))
							c.Tokens += int64(10 * i)
							used[windowKey{id: id, start: minute()}] = c
							require.Zero(t, time.Since(began), "no call waits for the store")
						}
						time.Sleep(100 * time.Millisecond)
					}
				}
				for _, w := range ways {
					w.SetPlan(storetest.Plan{})
					w.SetDown(false)
				}
				time.Sleep(5 * time.Second)
				var sum syncer.Stats
				for _, n := range nodes {
					s := n.s.Stats()
					require.False(t, s.Away)
					require.Less(t, s.Staleness, 1100*time.Millisecond)
					require.Zero(t, s.Restored)
					require.Zero(t, s.Dropped)
					sum.Failures += s.Failures
					sum.InDoubt += s.InDoubt
					sum.Duplicates += s.Duplicates
					sum.Replayed += s.Replayed
					sum.Reseeded += s.Reseeded
				}
				if test.check != nil {
					test.check(t, sum)
				}
				for k, want := range used {
					require.Equal(t, want, total(store, k.id, k.start), "%s in %d", k.id, k.start)
				}
				stop()
			})
		})
	}
}

func inDoubt(t *testing.T, s syncer.Stats) {
	t.Helper()
	require.NotZero(t, s.InDoubt)
}

func duplicates(t *testing.T, s syncer.Stats) {
	t.Helper()
	inDoubt(t, s)
	require.NotZero(t, s.Duplicates)
}

// rollback saves the store in one second and goes back to it in the next.
func rollback() func(int, *memstore.Store, []*storetest.Faulty) {
	var saved memstore.Snapshot
	return func(i int, store *memstore.Store, ways []*storetest.Faulty) {
		if i%2 == 0 {
			saved = store.Save()
			return
		}
		store.Load(saved)
		for _, w := range ways {
			w.Forget()
		}
	}
}

// numbered is a store that never recognizes a batch: every attempt is new to it,
// as with plain increments.
type numbered struct {
	syncer.Store
	n uint64
}

func (s *numbered) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	s.n++
	b.Seq = s.n
	err := s.Store.Exchange(ctx, b, r)
	r.PrevMissing = false
	return err
}

// TestGuardIsNeeded: with replies lost, sending again counts twice unless the
// store knows what it has applied.
func TestGuardIsNeeded(t *testing.T) { synctest.Test(t, guardIsNeeded) }

func guardIsNeeded(t *testing.T) {
	lossy := func(store syncer.Store) (*node, *storetest.Faulty) {
		way := storetest.NewFaulty(store, 1, storetest.Plan{LoseReply: 0.5})
		return newNode(t, way, unlimited, syncer.Config{}), way
	}
	play := func(n *node, way *storetest.Faulty) int64 {
		for range 50 {
			n.use("a", 1, 0)
			_ = n.s.Sync(t.Context())
		}
		way.SetPlan(storetest.Plan{})
		n.sync()
		n.sync()
		return 50
	}
	start := minute()
	guarded, plain := memstore.New(memstore.Config{}), memstore.New(memstore.Config{})
	want := play(lossy(guarded))
	require.Equal(t, want, guarded.Total("a", start).Requests)
	play(lossy(&numbered{Store: plain}))
	require.Greater(t, plain.Total("a", start).Requests, want+10, "plain increments")
}

// unchained is a store that does not look whether it still has the batch before.
type unchained struct{ syncer.Store }

func (s unchained) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	err := s.Store.Exchange(ctx, b, r)
	r.PrevMissing = false
	return err
}

// TestChainIsNeeded: what a failover loses of acknowledged batches stays lost
// unless each batch looks for the one before it.
func TestChainIsNeeded(t *testing.T) { synctest.Test(t, chainIsNeeded) }

func chainIsNeeded(t *testing.T) {
	play := func(wrap func(syncer.Store) syncer.Store) int64 {
		store := memstore.New(memstore.Config{})
		n := newNode(t, wrap(store), unlimited, syncer.Config{})
		other := newNode(t, store, unlimited, syncer.Config{}) // hides the loss from a look at the total
		other.use("a", 50, 0)
		other.sync()
		start := minute()
		n.use("a", 3, 0)
		n.sync()
		saved := store.Save()
		n.use("a", 4, 0)
		n.sync()
		store.Load(saved)
		n.use("a", 5, 0)
		n.sync()
		n.sync()
		other.sync()
		return store.Total("a", start).Requests - 50
	}
	require.Equal(t, int64(12), play(func(s syncer.Store) syncer.Store { return s }))
	require.Equal(t, int64(8), play(func(s syncer.Store) syncer.Store { return unchained{s} }), "without the chain")
}

// poison is a store that never takes some deployments' tokens.
type poison struct {
	syncer.Store
	id string
}

func (s *poison) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	deltas := slices.Clone(b.Deltas)
	var refused []window.Tally
	for i, d := range deltas {
		if d.ID == s.id && d.Tokens != 0 {
			refused = append(refused, window.Tally{ID: d.ID, Start: d.Start, Tokens: d.Tokens})
			deltas[i].Tokens = 0
		}
	}
	b.Deltas = deltas
	err := s.Store.Exchange(ctx, b, r)
	if !r.Duplicate {
		r.Refused = append(r.Refused, refused...)
	}
	return err
}

// TestRefused: what the store never takes is counted as refused, once, and holds
// up nothing else.
func TestRefused(t *testing.T) { synctest.Test(t, refused) }

func refused(t *testing.T) {
	store := memstore.New(memstore.Config{})
	bad := &poison{store, "b"}
	n := newNode(t, bad, unlimited, syncer.Config{}, "a", "b")
	start := minute()
	for range 3 {
		n.use("a", 1, 10)
		n.use("b", 1, 7)
		n.sync()
		n.sync()
	}
	require.Equal(t, syncer.Count{Requests: 3, Tokens: 30}, total(store, "a", start))
	require.Equal(t, syncer.Count{Requests: 3}, total(store, "b", start))
	require.Equal(t, syncer.Count{Tokens: 21}, n.s.Stats().Refused)
	bad.id = ""
	n.use("b", 0, 5)
	n.sync()
	require.Equal(t, int64(5), store.Total("b", start).Tokens, "what was refused is gone")
	store.Wipe()
	n.use("b", 0, 5)
	n.sync()
	require.Equal(t, int64(10), store.Total("b", start).Tokens, "and stays so")
	require.Equal(t, int64(30), store.Total("a", start).Tokens)
}

// TestEvicted: a key that the store has dropped is filled again, once.
func TestEvicted(t *testing.T) { synctest.Test(t, evicted) }

func evicted(t *testing.T) {
	store := memstore.New(memstore.Config{})
	n := newNode(t, store, unlimited, syncer.Config{})
	start := minute()
	n.use("a", 5, 50)
	n.sync()
	store.Evict("a", start)
	n.use("a", 1, 1)
	n.sync()
	require.Equal(t, syncer.Count{Requests: 6, Tokens: 51}, total(store, "a", start))
	require.Equal(t, int64(1), n.s.Stats().Restored)
	time.Sleep(5 * time.Second)
	store.Evict("a", start)
	n.use("a", 0, 0)
	n.sync() // a read sees it
	require.Equal(t, syncer.Count{Requests: 6, Tokens: 51}, total(store, "a", start))

	other := newNode(t, store, unlimited, syncer.Config{})
	store.Evict("a", start)
	other.use("a", 2, 2) // before a node can see that the key was gone
	other.sync()
	for range 60 {
		n.sync()
		other.sync()
		time.Sleep(100 * time.Millisecond)
	}
	require.Equal(t, syncer.Count{Requests: 8, Tokens: 53}, total(store, "a", start))
}

// A store that is emptied when it is too late for a minute costs nothing of it: it
// had been reported, and no node reads it any more.
func TestEmptiedAfterAMinute(t *testing.T) {
	for after := 4 * time.Second; after < 6*time.Second; after += 50 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New(memstore.Config{Buckets: 1})
			n := newNode(t, store, unlimited, syncer.Config{}, "a")
			stop := run(t, n)
			time.Sleep(time.Second)
			n.use("a", 3, 1000)
			time.Sleep(119*time.Second + after)
			n.use("a", 2, 500)
			time.Sleep(50 * time.Millisecond)
			store.Wipe()
			time.Sleep(10 * time.Second)
			require.Equal(t, int64(1), n.s.Stats().Reseeded, after)
			require.Zero(t, n.s.Stats().Dropped, after)
			require.Equal(t, syncer.Count{Requests: 2, Tokens: 500}, total(store, "a", minute()), after)
			stop()
		})
	}
}
