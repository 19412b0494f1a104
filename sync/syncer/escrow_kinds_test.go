package syncer_test

import (
	"fmt"
	"math/rand/v2"
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

// kindCase is a limit in windows of some kind, held by escrow.
type kindCase struct {
	name    string
	limits  engine.Limits
	profile provider.Profile
	kind    window.Kind
	limit   int64
	counts  func(input, output int64) int64 // of a request
	caller  bool                            // the limits are a caller's
}

// config returns the engine's configuration.
func (c *kindCase) config() engine.Config {
	if !c.caller {
		return profiled(c.limits, c.profile, "a")
	}
	cfg := profiled(engine.Limits{RPM: 100_000}, provider.Profile{}, "a")
	cfg.Callers = []engine.Caller{{ID: "team", Limits: c.limits, Profile: c.profile}}
	return cfg
}

// id returns the ID by which nodes share what is used.
func (c *kindCase) id() string {
	if c.caller {
		return window.CallerPrefix + "team"
	}
	return "a"
}

func requestsOf(int64, int64) int64      { return 1 }
func tokensOf(input, output int64) int64 { return input + output }
func inputOf(input, _ int64) int64       { return input }
func outputOf(_, output int64) int64     { return output }
func pacific() provider.Profile          { return provider.Profile{Day: provider.DayPacific} }
func nextWindow(k window.Kind) (end time.Time) {
	_, e := k.Span(time.Now().Unix())
	return time.Unix(e, 0)
}

func windowOf(k window.Kind, at time.Time) (start int64) { start, _ = k.Span(at.Unix()); return start }

func kindCases() []kindCase {
	return []kindCase{
		{"requests of a day", engine.Limits{RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, false},
		{"requests of a Pacific day", engine.Limits{RPD: 300}, pacific(), window.KindDayPacific, 300, requestsOf, false},
		{"tokens of a day", engine.Limits{TPD: 300_000}, provider.Profile{}, window.KindDay, 300_000, tokensOf, false},
		{"requests of an hour", engine.Limits{RPH: 300}, provider.Profile{}, window.KindHour, 300, requestsOf, false},
		{"tokens of an hour", engine.Limits{TPH: 300_000}, provider.Profile{}, window.KindHour, 300_000, tokensOf, false},
		{"a day of few requests", engine.Limits{RPD: 5}, provider.Profile{}, window.KindDay, 5, requestsOf, false},
		{"input of a minute", engine.Limits{InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, false},
		{"output of a minute", engine.Limits{OutputTPM: 100_000}, provider.Profile{}, window.KindMinute, 100_000, outputOf, false},
		{"a day beside minutes", engine.Limits{RPM: 6000, TPM: 3_000_000, RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, false},
		{"a day beside a bucket", engine.Limits{RPM: 60_000, RPD: 300}, provider.Profile{Shape: provider.Bucket}, window.KindDay, 300, requestsOf, false},
		{"input beside tokens", engine.Limits{TPM: 3_000_000, InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, false},
		{"a caller's requests", engine.Limits{RPM: 300}, provider.Profile{}, window.KindMinute, 300, requestsOf, true},
		{"a caller's tokens and day", engine.Limits{TPM: 3_000_000, TPD: 300_000}, provider.Profile{}, window.KindDay, 300_000, tokensOf, true},
		{"a caller's day", engine.Limits{RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, true},
		{"a caller's input", engine.Limits{InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, true},
	}
}

// TestEscrowKinds: in every kind of window the nodes admit together no more than the
// limit, before and after a window begins, and what demand fits.
func TestEscrowKinds(t *testing.T) {
	for _, c := range kindCases() {
		for _, nodes := range []int{2, 10} {
			if raceEnabled && nodes > 2 {
				continue // the same steps, more often
			}
			t.Run(fmt.Sprintf("%s, %d nodes", c.name, nodes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playKind(t, c, nodes) })
			})
		}
	}
}

// sums are what was admitted by windows.
type sums struct {
	mu sync.Mutex
	of map[int64]int64
}

func (s *sums) add(start, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[start] += n
}

// playKind offers twice the limit to all nodes within 20 s before a window ends, and
// within 20 s after.
func playKind(t *testing.T, c kindCase, nodes int) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, uint64(nodes)))
	time.Sleep(time.Until(nextWindow(c.kind).Add(-40 * time.Second)))
	store := memstore.New(memstore.Config{})
	var all []*node
	for range nodes {
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
		all = append(all, newNodeOf(t, way, c.config(), syncer.Config{Mode: syncer.Escrow}))
	}
	stop := run(t, all...)
	admitted := sums{of: map[int64]int64{}}
	end := nextWindow(c.kind)
	of := float64(c.counts(550, 220))
	for _, from := range [2]time.Time{end.Add(-25 * time.Second), end} {
		time.Sleep(time.Until(from))
		gap := float64(20*time.Second) * of / (2 * float64(c.limit))
		var wg sync.WaitGroup
		for time.Since(from) < 20*time.Second {
			n, input, output := all[r.IntN(nodes)], 100+r.Int64N(900), 40+r.Int64N(360)
			wg.Go(func() {
				if start, ok := offerKind(n, &c, input, output); ok {
					admitted.add(start, c.counts(input, output))
				}
			})
			time.Sleep(time.Duration(r.ExpFloat64() * gap))
		}
		wg.Wait()
	}
	for start, n := range admitted.of {
		require.LessOrEqual(t, n, c.limit)
		require.GreaterOrEqual(t, float64(n), float64(c.limit)-max(1.5*of, 0.01*float64(c.limit)), "window of %v", time.Unix(start, 0).UTC())
	}
	require.Len(t, admitted.of, 2)
	stop()
	for start, n := range admitted.of {
		sum := totalOf(store, c.kind, c.id(), start)
		got := []int64{sum.Requests, sum.Tokens, sum.Input, sum.Output}
		require.Contains(t, got, n, "what is left in the store is what was used")
	}
}

// offerKind has a node take a request, and returns the window of its admission.
func offerKind(n *node, c *kindCase, input, output int64) (start int64, ok bool) {
	g, err := n.e.Group("chat")
	if err != nil {
		return 0, false
	}
	d := engine.Demand{InputTokens: input, OutputTokens: output}
	if c.caller {
		if d.Caller, err = n.e.CallerRef("team"); err != nil {
			return 0, false
		}
	}
	lease, err := g.AcquireGranted(n.t.Context(), d)
	if err != nil {
		return 0, false
	}
	start = windowOf(c.kind, time.Now())
	lease.SettleReserved()
	return start, true
}
