package syncer_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func profiled(limits engine.Limits, p provider.Profile, ids ...string) engine.Config {
	cfg := cluster(limits, ids...)
	for i := range cfg.Deployments {
		cfg.Deployments[i].Profile = p
	}
	return cfg
}

// take acquires n requests of input and output tokens and returns how many were
// admitted.
func (n *node) take(requests int, input, output int64) (admitted int) {
	n.t.Helper()
	g, err := n.e.Group("chat")
	require.NoError(n.t, err)
	for range requests {
		l, ok := g.TryAcquire(engine.Demand{InputTokens: input, OutputTokens: max(output, engine.NoOutput)})
		if ok {
			admitted++
			l.SettleReserved()
		}
	}
	return admitted
}

// none as an output is no output.
const none = engine.NoOutput

func midnight() int64 {
	start, _ := window.KindDay.Span(time.Now().Unix())
	return start
}

// TestInputAndOutput: two nodes share a minute's limits on input and output,
// whatever the provider's rule.
func TestInputAndOutput(t *testing.T) {
	for name, p := range map[string]provider.Profile{
		"minute": {}, "phase": {Phase: 10 * time.Second}, "bucket": {Shape: provider.Bucket},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				limits := engine.Limits{InputTPM: 1000, OutputTPM: 500}
				a := newNodeOf(t, store, profiled(limits, p, "a"), syncer.Config{})
				b := newNodeOf(t, store, profiled(limits, p, "a"), syncer.Config{})
				stop := run(t, a, b)
				time.Sleep(15 * time.Second)
				b.take(1, 1, 1)
				require.Equal(t, 6, a.take(6, 100, 20))
				time.Sleep(300 * time.Millisecond)
				b.take(1, 1, 1)
				time.Sleep(300 * time.Millisecond)
				s := b.state("a")
				require.Equal(t, [2]int64{600, 120}, [2]int64{s.Limit(engine.LimitInputTPM).Remote, s.Limit(engine.LimitOutputTPM).Remote})
				refilled := 0
				if p.Shape == provider.Bucket {
					refilled = 1 // ten input tokens in 600 ms
				}
				require.InDelta(t, 3+refilled, b.take(9, 100, 1), 1)
				time.Sleep(300 * time.Millisecond)
				got := total(store, "a", minute())
				require.Equal(t, got.Tokens, got.Input+got.Output)
				require.InDelta(t, 1000, got.Input, 110)
				stop()
			})
		})
	}
}

// TestDays: nodes share a day's limits, and one that starts knows of the day
// before it takes a request.
func TestDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPD: 100, TPD: 5000}
		a := newNode(t, store, limits, syncer.Config{})
		a.sync()
		time.Sleep(3 * time.Hour)
		require.Equal(t, 60, a.take(60, 40, none))
		a.sync()
		time.Sleep(3 * time.Hour) // no request asks: a day's windows stay
		a.sync()

		b := newNode(t, store, limits, syncer.Config{})
		b.sync()
		s := b.state("a")
		require.Equal(t, [2]int64{60, 2400}, [2]int64{s.Limit(engine.LimitRPD).Remote, s.Limit(engine.LimitTPD).Remote})
		require.Equal(t, 40, b.take(60, 40, none))
		b.sync()
		a.take(1, 1, none) // a request asks
		a.sync()
		require.Zero(t, a.take(1, 1, none))
		require.Equal(t, syncer.Count{Requests: 101, Tokens: 4001}, totalOf(store, window.KindDay, "a", midnight()))

		day := midnight()
		time.Sleep(time.Until(time.Unix(day+24*3600, 0)))
		require.Equal(t, 50, a.take(60, 100, none), "a new day")
		a.sync()
		b.sync()
		require.Zero(t, b.take(1, 1, none), "known before the first request of the day")
		require.Equal(t, syncer.Count{Requests: 101, Tokens: 4001}, totalOf(store, window.KindDay, "a", day), "what has ended stays for a while")
		time.Sleep(4 * time.Minute)
		b.sync()
		require.Zero(t, totalOf(store, window.KindDay, "a", day), "but not for ever")
		require.Zero(t, a.s.Stats().DroppedOfDays)
	})
}

// TestHours: nodes share an hour's limits beside a day's.
func TestHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPH: 100, TPH: 5000, TPD: 6000}
		a := newNode(t, store, limits, syncer.Config{})
		b := newNode(t, store, limits, syncer.Config{})
		a.sync()
		require.Equal(t, 60, a.take(60, 40, none))
		a.sync()
		b.sync()
		s := b.state("a")
		require.Equal(t, [3]int64{60, 2400, 2400}, [3]int64{s.Limit(engine.LimitRPH).Remote, s.Limit(engine.LimitTPH).Remote, s.Limit(engine.LimitTPD).Remote})
		require.Equal(t, 40, b.take(60, 40, none))
		b.sync()
		a.take(1, 1, none) // a request asks
		a.sync()
		require.Zero(t, a.take(1, 1, none))
		hour, end := window.KindHour.Span(time.Now().Unix())
		require.Equal(t, syncer.Count{Requests: 101, Tokens: 4001}, totalOf(store, window.KindHour, "a", hour))

		time.Sleep(time.Until(time.Unix(end, 0)))
		require.Equal(t, 19, a.take(60, 100, none), "a new hour of the same day")
		a.sync()
		b.sync()
		require.Equal(t, [2]int64{19, 1900}, [2]int64{b.state("a").Limit(engine.LimitRPH).Remote, b.state("a").Limit(engine.LimitTPH).Remote})
		time.Sleep(4 * time.Minute)
		b.sync()
		require.Zero(t, totalOf(store, window.KindHour, "a", hour))
	})
}

// TestDaysRestart: with a store and a snapshot the store's sum is unchanged over a
// restart, and so is the node's knowledge of the day, with the store away too.
func TestDaysRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPD: 100, TPD: 5000}
		other := newNode(t, store, limits, syncer.Config{})
		other.sync()
		require.Equal(t, 10, other.take(10, 10, none))
		other.sync()
		a := newNode(t, store, limits, syncer.Config{})
		a.sync()
		require.Equal(t, 30, a.take(30, 10, none))
		a.sync()
		before := totalOf(store, window.KindDay, "a", midnight())
		require.Equal(t, syncer.Count{Requests: 40, Tokens: 400}, before)
		var file bytes.Buffer
		require.NoError(t, a.e.Snapshot(&file))

		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		way.SetDown(true)
		a = newNode(t, way, limits, syncer.Config{Away: syncer.Policies{Requests: syncer.Open, Tokens: syncer.Open}})
		require.NoError(t, a.e.Restore(&file))
		run(t, a)
		time.Sleep(2 * time.Second)
		require.True(t, a.s.Stats().Away)
		require.EqualValues(t, 40, a.state("a").Limit(engine.LimitRPD).Used, "the store away: as the snapshot has it")
		require.Equal(t, 60, a.take(70, 10, none))
		way.SetDown(false)
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 100, a.state("a").Limit(engine.LimitRPD).Used)
		require.EqualValues(t, 40, a.state("a").Limit(engine.LimitRPD).Remote)
		require.Equal(t, before.Requests+60, totalOf(store, window.KindDay, "a", midnight()).Requests)
	})
}

// TestDaysOfAnEmptiedStore: every node reports its own part of the day again; what
// nodes that have ended had used is in no report, but a node that has read it goes on
// counting with it.
func TestDaysOfAnEmptiedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPD: 100}
		gone := newNode(t, store, limits, syncer.Config{})
		gone.sync()
		require.Equal(t, 50, gone.take(50, 1, none))
		gone.sync()
		a, b := newNode(t, store, limits, syncer.Config{}), newNode(t, store, limits, syncer.Config{})
		a.sync()
		b.sync()
		require.Equal(t, 20, a.take(20, 1, none))
		a.sync()
		require.Equal(t, 10, b.take(10, 1, none))
		b.sync()
		store.Wipe()
		for range 5 {
			time.Sleep(time.Second)
			a.take(0, 1, none)
			a.sync()
			b.sync()
		}
		require.Equal(t, syncer.Count{Requests: 30}, totalOf(store, window.KindDay, "a", midnight()))
		time.Sleep(time.Hour)
		b.take(1, 1, none)
		b.sync()
		require.Equal(t, 19, b.take(30, 1, none))
	})
}

// TestAwayOfDaysAndParts: the policies hold for limits of days, on input and on
// output too.
func TestAwayOfDaysAndParts(t *testing.T) {
	for _, test := range []struct {
		name         string
		limits       engine.Limits
		policies     syncer.Policies
		a, b         int // admitted in the minute and day in which the store went
		nextA, nextB int // in the next minute, or day
		next         time.Duration
	}{
		// a has used 60 of 80, b 20: shares of 5/8 and 3/8; 80 were left.
		{"requests of a day", engine.Limits{RPD: 160}, syncer.Policies{}, 50, 30, 100, 60, 24 * time.Hour},
		{"requests of a day, closed", engine.Limits{RPD: 160}, syncer.Policies{Requests: syncer.Closed}, 0, 0, 0, 0, 24 * time.Hour},
		{"requests of a day, open", engine.Limits{RPD: 160}, syncer.Policies{Requests: syncer.Open}, 80, 80, 160, 160, 24 * time.Hour},
		{"requests of a day, a minute later", engine.Limits{RPD: 160}, syncer.Policies{}, 50, 30, 0, 0, time.Minute},
		{"tokens of a day", engine.Limits{TPD: 1760}, syncer.Policies{}, 50, 30, 100, 60, 24 * time.Hour},
		{"input", engine.Limits{InputTPM: 1600}, syncer.Policies{}, 50, 30, 100, 60, time.Minute},
		{"output", engine.Limits{OutputTPM: 160}, syncer.Policies{}, 50, 30, 100, 60, time.Minute},
		{"input, closed", engine.Limits{InputTPM: 1600}, syncer.Policies{Tokens: syncer.Closed}, 0, 0, 0, 0, time.Minute},
		{"output, open", engine.Limits{OutputTPM: 160}, syncer.Policies{Tokens: syncer.Open}, 80, 80, 160, 160, time.Minute},
		{"input, closed to requests alone", engine.Limits{InputTPM: 1600}, syncer.Policies{Requests: syncer.Closed}, 50, 30, 100, 60, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(24*time.Hour - 31*time.Second)
				store := memstore.New(memstore.Config{})
				var nodes []*node
				var ways []*storetest.Faulty
				for i := range 2 {
					ways = append(ways, storetest.NewFaulty(store, uint64(i), storetest.Plan{}))
					nodes = append(nodes, newNode(t, ways[i], test.limits, syncer.Config{Away: test.policies}))
				}
				a, b := nodes[0], nodes[1]
				stop := run(t, a, b)
				time.Sleep(time.Second)
				require.Equal(t, 60, a.take(60, 10, 1))
				time.Sleep(300 * time.Millisecond)
				require.Equal(t, 20, b.take(20, 10, 1))
				time.Sleep(300 * time.Millisecond)
				a.take(0, 0, 0)
				time.Sleep(time.Second) // no usage grows: no forecast
				for _, w := range ways {
					w.SetDown(true)
				}
				time.Sleep(2 * time.Second)
				require.True(t, a.s.Stats().Away)
				require.Equal(t, test.a, a.take(300, 10, 1))
				require.Equal(t, test.b, b.take(300, 10, 1))
				day := midnight()
				if test.next == time.Minute {
					time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)) - time.Nanosecond)
				} else {
					time.Sleep(time.Until(time.Unix(day+24*3600, 0)))
				}
				if test.next == time.Minute && test.limits.RPD == 0 {
					time.Sleep(time.Nanosecond)
				}
				require.Equal(t, test.nextA, a.take(300, 10, 1), "from the first instant on")
				require.Equal(t, test.nextB, b.take(300, 10, 1))
				for _, w := range ways {
					w.SetDown(false)
				}
				time.Sleep(2 * time.Second)
				sum := int64(80 + test.a + test.b)
				if test.next == time.Minute && test.limits.RPD != 0 {
					sum += int64(test.nextA + test.nextB)
				}
				if test.limits.RPD|test.limits.TPD != 0 {
					got := totalOf(store, window.KindDay, "a", day)
					require.Contains(t, []syncer.Count{{Requests: sum}, {Tokens: 11 * sum}}, got, "healed exactly")
				}
				require.Zero(t, a.s.Stats().DroppedOfDays)
				stop()
			})
		})
	}
}

// TestCooldownsSpread: a cooldown that one node finds is the others' after an
// exchange each, once: what is ended stays ended.
func TestCooldownsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		ids := []string{"a", "b"}
		x, y := newNode(t, store, unlimited, syncer.Config{}, ids...), newNode(t, store, unlimited, syncer.Config{}, ids...)
		y.use("b", 1, 1) // asked for
		y.sync()
		cool := func(n *node, d time.Duration) {
			r, err := n.e.Ref("a")
			require.NoError(t, err)
			r.Cooldown(d)
		}
		cool(x, time.Minute)
		x.sync()
		y.sync()
		require.Equal(t, time.Minute, y.state("a").CoolingFor)
		require.Zero(t, y.state("b").CoolingFor)

		cool(y, 0)
		for range 3 {
			time.Sleep(time.Second)
			y.use("a", 1, 0)
			x.sync()
			y.sync()
		}
		require.Zero(t, y.state("a").CoolingFor, "ended here")
		cool(x, 2*time.Minute)
		x.sync()
		y.sync()
		require.Equal(t, 2*time.Minute, y.state("a").CoolingFor, "longer: reported again")

		store.Wipe()
		z := newNode(t, store, unlimited, syncer.Config{}, ids...)
		z.use("a", 1, 0)
		for range 3 {
			time.Sleep(time.Second)
			x.sync()
			y.sync()
			z.sync()
		}
		require.Equal(t, 2*time.Minute-3*time.Second, z.state("a").CoolingFor, "reported again to an emptied store")
		time.Sleep(2 * time.Minute)
		require.Zero(t, z.state("a").CoolingFor)
	})
}

// watched keeps the batches that pass.
type watched struct {
	syncer.Store
	mu      sync.Mutex // buckets do not wait for each other
	batches []syncer.Batch
}

func (w *watched) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	b.Counts = append([]syncer.Counts(nil), b.Counts...)
	w.mu.Lock()
	w.batches = append(w.batches, b)
	w.mu.Unlock()
	return w.Store.Exchange(ctx, b, r)
}

// TestPlainDeploymentsCostNoMore: what has limits on requests and tokens alone
// travels with these counts of its minutes, and nothing else.
func TestPlainDeploymentsCostNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Store: memstore.New(memstore.Config{})}
		n := newNode(t, w, engine.Limits{RPM: 100, TPM: 10_000}, syncer.Config{})
		for range 10 {
			n.take(3, 5, 5)
			n.sync()
			time.Sleep(17 * time.Second)
		}
		require.NotEmpty(t, w.batches)
		for _, b := range w.batches {
			for i, d := range append(slices.Clip(b.Deltas), b.Reads...) {
				require.Equal(t, syncer.CountRequests|syncer.CountTokens, b.Of(i))
				require.Equal(t, window.KindMinute, d.Kind)
				require.Zero(t, d.Input|d.Output|d.CoolUntil)
			}
		}
	})
}

// TestDayInDoubt: a batch in doubt for so long that the store may have forgotten it
// is not sent again: a new epoch has all that was used of the day, once.
func TestDayInDoubt(t *testing.T) {
	for name, plan := range map[string]storetest.Plan{"lost": {LoseRequest: 1}, "applied": {LoseReply: 1}} {
		t.Run(name, func(t *testing.T) { dayInDoubt(t, plan) })
	}
}

func dayInDoubt(t *testing.T, plan storetest.Plan) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		n := newNode(t, way, engine.Limits{RPD: 1000}, syncer.Config{Away: syncer.Policies{Requests: syncer.Open}})
		run(t, n)
		time.Sleep(time.Second)
		way.SetPlan(plan)
		require.Equal(t, 7, n.take(7, 1, none))
		time.Sleep(time.Second) // in doubt
		require.Equal(t, 20, n.take(20, 1, none))
		time.Sleep(200 * time.Second)
		require.Equal(t, 3, n.take(3, 1, none))
		way.SetPlan(storetest.Plan{})
		time.Sleep(2 * time.Second)
		require.Zero(t, n.s.Stats().DroppedOfDays)
		require.EqualValues(t, 30, totalOf(store, window.KindDay, "a", midnight()).Requests)
		require.EqualValues(t, 30, n.state("a").Limit(engine.LimitRPD).Used, "the node's own limit has it")
	})
}

// TestDaysAreBounded: with days, too, a syncer keeps as many windows as count,
// however long it runs, whatever fails.
func TestDaysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{})
		n := newNode(t, way, engine.Limits{RPD: 1 << 40, TPD: 1 << 40, InputTPM: 1 << 40}, syncer.Config{}, "a", "b", "c")
		for i := range 3 * 24 * 6 {
			way.SetDown(i%7 == 3)
			n.take(2, 1, 1)
			_ = n.s.Sync(t.Context()) // fails now and then
			require.LessOrEqual(t, n.s.Stats().Keys, 3*6)
			time.Sleep(10 * time.Minute)
		}
	})
}
