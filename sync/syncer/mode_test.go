package syncer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
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

// journal is where a node logs.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.b.String(), text)
}

// account returns how a node keeps a limit of deployment a together.
func (n *node) account(kind window.Kind, count syncer.Counts) syncer.Account {
	n.t.Helper()
	for _, a := range n.s.AppendAccounts(nil) {
		if a.ID == "a" && a.Kind == kind && a.Count == count {
			return a
		}
	}
	n.t.Fatal("no such account")
	return syncer.Account{}
}

func (n *node) requests() syncer.Account { return n.account(window.KindMinute, syncer.CountRequests) }

// nodeIn returns a running node in a mode.
func nodeIn(t *testing.T, store syncer.Store, limits engine.Limits, cfg syncer.Config) *node {
	t.Helper()
	cfg.Deployments = func(dst []string) []string { return append(dst, "a") }
	n := newNode(t, storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 3 * time.Millisecond}), limits, cfg)
	run(t, n)
	return n
}

const mismatch = "another node keeps limits together in another mode"

// TestModeIsOfTheWindow: the first node that asks decides in which mode all nodes keep the
// limits of a window. A node that is configured otherwise follows, logs it once, and shows it.
func TestModeIsOfTheWindow(t *testing.T) {
	for _, test := range []struct {
		name         string
		first, later syncer.Mode
		reason       string
	}{
		{"escrow first", syncer.Escrow, syncer.Usage, "another node asked first in this window"},
		{"usage first", syncer.Usage, syncer.Escrow, "another node asked first in this window"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, said := memstore.New(memstore.Config{}), &journal{}
				limits := engine.Limits{RPM: 600}
				first := nodeIn(t, store, limits, syncer.Config{Mode: test.first})
				rollover()
				take(first, 10)
				time.Sleep(200 * time.Millisecond)
				later := nodeIn(t, store, limits, syncer.Config{Mode: test.later, Logger: slog.New(slog.NewTextHandler(said, nil))})
				time.Sleep(time.Second)
				take(later, 10)
				time.Sleep(200 * time.Millisecond)
				for _, n := range []*node{first, later} {
					require.Equal(t, test.first, n.requests().Mode)
				}
				require.Equal(t, test.reason, later.requests().Reason)
				require.Equal(t, test.later, later.requests().Configured)
				require.Empty(t, first.requests().Reason)
				require.Equal(t, 1, later.s.Stats().Differing)
				require.Zero(t, first.s.Stats().Differing)
				require.Equal(t, 1, said.count(mismatch))

				got := int64(0)
				for take(first, 100)+take(later, 100) > 0 {
				}
				time.Sleep(200 * time.Millisecond)
				for _, n := range []*node{first, later} {
					got += n.state("a").Limit(engine.LimitRPM).Used - n.state("a").Limit(engine.LimitRPM).Remote
				}
				if test.first == syncer.Escrow {
					require.EqualValues(t, 600, got)
				}
				require.GreaterOrEqual(t, got, int64(600))
				require.Equal(t, got, total(store, "a", minute()).Requests, "the books are equal")
			})
		})
	}
}

// TestModesDifferBeforeAWindow: a node in usage mode that has met escrow keeps to it from the
// start of each minute, and a fleet whose last node in escrow mode has gone shares usage.
func TestModesDifferBeforeAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPM: 60}
		exact := newNode(t, store, limits, syncer.Config{Mode: syncer.Escrow})
		stop := run(t, exact)
		usage := nodeIn(t, store, limits, syncer.Config{})
		for range 5 { // requests come while a minute ends
			for time.Now().Second() != 59 {
				take(exact, 1)
				time.Sleep(900 * time.Millisecond)
			}
			for time.Now().Second() != 1 {
				take(exact, 2)
				usage.use("a", 3, 0)
				time.Sleep(10 * time.Millisecond)
			}
			if usage.requests().Mode == syncer.Escrow {
				for range 20 {
					usage.use("a", 3, 0)
					take(exact, 3)
					time.Sleep(50 * time.Millisecond)
				}
				require.LessOrEqual(t, total(store, "a", minute()).Requests, int64(60))
			}
		}
		stop()
		rollover()
		rollover()
		usage.use("a", 1, 0)
		time.Sleep(300 * time.Millisecond)
		require.Equal(t, syncer.Usage, usage.requests().Mode)
		require.Zero(t, usage.s.Stats().Differing)
		require.Equal(t, 59, usage.use("a", 70, 0), "without a grant")
	})
}

// TestModesByLimit: the tokens of a deployment are held by escrow, its requests are kept
// together by usage.
func TestModesByLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPM: 6000, TPM: 1000}
		modes := func(id string, kind window.Kind) syncer.Modes {
			require.Equal(t, "a", id)
			if kind.Long() {
				return syncer.Modes{}
			}
			return syncer.Modes{Tokens: syncer.Escrow}
		}
		var nodes []*node
		for range 3 {
			nodes = append(nodes, nodeIn(t, store, limits, syncer.Config{Modes: modes}))
		}
		rollover()
		admitted := 0
		for range 400 {
			for _, n := range nodes {
				if ok, _ := offer(n, 10); ok {
					admitted++
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		require.Equal(t, 100, admitted)
		require.Equal(t, syncer.Count{Requests: 100, Tokens: 1000}, total(store, "a", minute()))
		for _, n := range nodes {
			require.Equal(t, syncer.Usage, n.requests().Mode)
			require.Equal(t, syncer.Escrow, n.account(window.KindMinute, syncer.CountTokens).Mode)
			require.Zero(t, n.s.Stats().ByUsage)
		}
	})
}

// TestAuto: a limit that holds less than two requests for each node is kept together by usage
// where callers do not wait for grants, from a minute on; where they wait, and where it
// holds more than four, by escrow.
func TestAuto(t *testing.T) {
	for _, test := range []struct {
		name  string
		rpm   int64
		waits bool
		want  syncer.Mode
	}{
		{"small, callers do not wait", 6, false, syncer.Usage},
		{"small, callers wait", 6, true, syncer.Escrow},
		{"between, callers do not wait", 12, false, syncer.Escrow},
		{"large, callers do not wait", 60, false, syncer.Escrow},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				var nodes []*node
				for range 4 {
					nodes = append(nodes, nodeIn(t, store, engine.Limits{RPM: test.rpm}, syncer.Config{Mode: syncer.Auto}))
				}
				for range 4 {
					rollover()
					time.Sleep(time.Second)
					for _, n := range nodes {
						if test.waits {
							take(n, 10)
						} else {
							n.use("a", 10, 0)
							time.Sleep(200 * time.Millisecond)
							n.use("a", 10, 0)
						}
					}
				}
				time.Sleep(time.Second)
				for _, n := range nodes {
					require.Equal(t, test.want, n.requests().Mode)
					require.Empty(t, n.requests().Reason)
					require.Zero(t, n.s.Stats().Differing)
				}
				if test.want == syncer.Escrow {
					return
				}
				hysteresis := func(limit int64, want syncer.Mode, why string) {
					for _, n := range nodes {
						require.NoError(t, n.e.Apply(cluster(engine.Limits{RPM: limit}, "a")))
					}
					rollover()
					rollover()
					rollover()
					nodes[0].use("a", 1, 0)
					time.Sleep(time.Second)
					require.Equal(t, want, nodes[0].requests().Mode, why)
				}
				hysteresis(12, syncer.Usage, "three requests for each node")
				hysteresis(20, syncer.Escrow, "five")
			})
		})
	}
}

// TestModeOutlivesALoss: the nodes fix the same mode again in a store that was emptied.
func TestModeOutlivesALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPM: 600}
		exact := nodeIn(t, store, limits, syncer.Config{Mode: syncer.Escrow})
		rollover()
		take(exact, 10)
		usage := nodeIn(t, store, limits, syncer.Config{})
		time.Sleep(time.Second)
		take(usage, 10)
		time.Sleep(time.Second)
		require.Equal(t, syncer.Escrow, usage.requests().Mode)
		for range 3 {
			store.Wipe()
			time.Sleep(3 * time.Second)
			take(usage, 10)
			take(exact, 10)
			require.Equal(t, syncer.Escrow, usage.requests().Mode)
			require.Equal(t, syncer.Escrow, exact.requests().Mode)
		}
	})
}

// TestModeOfAStoreThatSaysNothing: nodes do as they are configured.
func TestModeOfAStoreThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exact := nodeIn(t, mute{memstore.New(memstore.Config{})}, engine.Limits{RPM: 60}, syncer.Config{Mode: syncer.Auto})
		rollover()
		require.Equal(t, 60, take(exact, 100))
		require.Equal(t, syncer.Escrow, exact.requests().Mode)
	})
}

// mute is a store that does not fix modes.
type mute struct{ syncer.Store }

func (m mute) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	b.Held = nil
	return m.Store.Exchange(ctx, b, r)
}
