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
	owner   owner
	length  int64 // of windows that begin at times of their own, s
	phase   int64 // the same
}

// owner says whose the limits are.
type owner int

const (
	ofDeployment owner = iota
	ofCaller
	ofPool // of two deployments in two groups
)

// config returns the engine's configuration.
func (c *kindCase) config() engine.Config {
	if c.owner != ofCaller {
		cfg := profiled(c.limits, c.profile, "a", "b")
		if cfg.Deployments[1].Group = "code"; c.owner == ofPool {
			cfg.Deployments[0].Profile.Pool, cfg.Deployments[1].Profile.Pool = "account", "account"
		}
		return cfg
	}
	cfg := profiled(engine.Limits{RPM: 100_000}, provider.Profile{}, "a")
	cfg.Callers = []engine.Caller{{ID: "team", Limits: c.limits, Profile: c.profile}}
	return cfg
}

// id returns the ID by which nodes share what is used.
func (c *kindCase) id() string {
	switch c.owner {
	case ofCaller:
		return window.CallerPrefix + "team"
	case ofPool:
		return window.PoolPrefix + "account"
	case ofDeployment:
	}
	return "a"
}

func requestsOf(int64, int64) int64               { return 1 }
func tokensOf(input, output int64) int64          { return input + output }
func inputOf(input, _ int64) int64                { return input }
func outputOf(_, output int64) int64              { return output }
func pacific() provider.Profile                   { return provider.Profile{Day: provider.DayPacific} }
func phased(phase time.Duration) provider.Profile { return provider.Profile{Phase: phase} }
func parts(length, phase time.Duration) provider.Profile {
	return provider.Profile{RequestWindow: length, Phase: phase}
}

// windowAt returns the window that holds an instant.
func (c *kindCase) windowAt(at time.Time) (start, end int64) {
	if c.length != 0 {
		start = (at.Unix()-c.phase)/c.length*c.length + c.phase
		return start, start + c.length
	}
	return c.kind.Span(at.Unix())
}

func (c *kindCase) nextWindow() time.Time {
	_, end := c.windowAt(time.Now())
	return time.Unix(end, 0)
}

func kindCases() []kindCase {
	return []kindCase{
		{"requests of a day", engine.Limits{RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, ofDeployment, 0, 0},
		{"requests of a Pacific day", engine.Limits{RPD: 300}, pacific(), window.KindDayPacific, 300, requestsOf, ofDeployment, 0, 0},
		{"tokens of a day", engine.Limits{TPD: 300_000}, provider.Profile{}, window.KindDay, 300_000, tokensOf, ofDeployment, 0, 0},
		{"requests of an hour", engine.Limits{RPH: 300}, provider.Profile{}, window.KindHour, 300, requestsOf, ofDeployment, 0, 0},
		{"tokens of an hour", engine.Limits{TPH: 300_000}, provider.Profile{}, window.KindHour, 300_000, tokensOf, ofDeployment, 0, 0},
		{"a day of few requests", engine.Limits{RPD: 5}, provider.Profile{}, window.KindDay, 5, requestsOf, ofDeployment, 0, 0},
		{"input of a minute", engine.Limits{InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, ofDeployment, 0, 0},
		{"output of a minute", engine.Limits{OutputTPM: 100_000}, provider.Profile{}, window.KindMinute, 100_000, outputOf, ofDeployment, 0, 0},
		{"a day beside minutes", engine.Limits{RPM: 6000, TPM: 3_000_000, RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, ofDeployment, 0, 0},
		{"a day beside a bucket", engine.Limits{RPM: 60_000, RPD: 300}, provider.Profile{Shape: provider.Bucket}, window.KindDay, 300, requestsOf, ofDeployment, 0, 0},
		{"input beside tokens", engine.Limits{TPM: 3_000_000, InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, ofDeployment, 0, 0},
		{"a caller's requests", engine.Limits{RPM: 300}, provider.Profile{}, window.KindMinute, 300, requestsOf, ofCaller, 0, 0},
		{"a caller's tokens and day", engine.Limits{TPM: 3_000_000, TPD: 300_000}, provider.Profile{}, window.KindDay, 300_000, tokensOf, ofCaller, 0, 0},
		{"a caller's day", engine.Limits{RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, ofCaller, 0, 0},
		{"a minute with a phase", engine.Limits{RPM: 300}, phased(25 * time.Second), window.KindPhased, 300, requestsOf, ofDeployment, 60, 25},
		{"tokens of a minute with a phase", engine.Limits{TPM: 300_000, RPM: 6000}, phased(25 * time.Second), window.KindPhased, 300_000, tokensOf, ofDeployment, 60, 25},
		{"input of a minute with a phase", engine.Limits{InputTPM: 200_000}, phased(7 * time.Second), window.KindPhased, 200_000, inputOf, ofDeployment, 60, 7},
		{"a caller's minute with a phase", engine.Limits{RPM: 300}, phased(25 * time.Second), window.KindPhased, 300, requestsOf, ofCaller, 60, 25},
		{"parts of a minute", engine.Limits{RPM: 1800}, parts(10*time.Second, 0), window.KindPart, 300, requestsOf, ofDeployment, 10, 0},
		{"parts with a phase", engine.Limits{RPM: 1800}, parts(10*time.Second, 3*time.Second), window.KindPart, 300, requestsOf, ofDeployment, 10, 3},
		{"a pool's requests", engine.Limits{RPM: 300}, provider.Profile{}, window.KindMinute, 300, requestsOf, ofPool, 0, 0},
		{"a pool's tokens", engine.Limits{TPM: 300_000}, provider.Profile{}, window.KindMinute, 300_000, tokensOf, ofPool, 0, 0},
		{"a pool's output", engine.Limits{OutputTPM: 100_000}, provider.Profile{}, window.KindMinute, 100_000, outputOf, ofPool, 0, 0},
		{"a pool's hour", engine.Limits{TPH: 300_000}, provider.Profile{}, window.KindHour, 300_000, tokensOf, ofPool, 0, 0},
		{"a pool's day", engine.Limits{RPD: 300}, provider.Profile{}, window.KindDay, 300, requestsOf, ofPool, 0, 0},
		{"a pool's Pacific day", engine.Limits{TPD: 300_000}, pacific(), window.KindDayPacific, 300_000, tokensOf, ofPool, 0, 0},
		{"a pool's minute with a phase", engine.Limits{TPM: 300_000}, phased(25 * time.Second), window.KindPhased, 300_000, tokensOf, ofPool, 60, 25},
		{"a caller's input", engine.Limits{InputTPM: 200_000}, provider.Profile{}, window.KindMinute, 200_000, inputOf, ofCaller, 0, 0},
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
	if c.length != 0 {
		time.Sleep(time.Until(c.nextWindow())) // so that one follows in more than 40 s
	}
	time.Sleep(time.Until(c.nextWindow().Add(-40 * time.Second)))
	store := memstore.New(memstore.Config{})
	var all []*node
	for range nodes {
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
		all = append(all, newNodeOf(t, way, c.config(), syncer.Config{Mode: syncer.Escrow}))
	}
	stop := run(t, all...)
	groups := [2]string{"chat", "chat"}
	if c.owner == ofPool {
		groups[1] = "code"
	}
	admitted := sums{of: map[int64]int64{}}
	if c.kind == window.KindPart {
		time.Sleep(30 * time.Second)
	}
	end := c.nextWindow()
	of := float64(c.counts(550, 220))
	lead, span, windows := 25*time.Second, 20*time.Second, 2
	if c.kind == window.KindPart {
		span = time.Duration(c.length) * time.Second
		lead, windows = 2*span, 4
		end = end.Add(2 * span)
	}
	for _, from := range [2]time.Time{end.Add(-lead), end} {
		time.Sleep(time.Until(from))
		gap := float64(span) * of / (2 * float64(c.limit))
		var wg sync.WaitGroup
		for time.Since(from) < 20*time.Second-100*time.Millisecond { // which a request may wait
			n, input, output := all[r.IntN(nodes)], 100+r.Int64N(900), 40+r.Int64N(360)
			wg.Go(func() {
				if start, ok := offerKind(n, &c, groups[input%2], input, output); ok {
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
	require.Len(t, admitted.of, windows)
	stop()
	for start, n := range admitted.of {
		sum := totalOf(store, c.kind, c.id(), start)
		got := []int64{sum.Requests, sum.Tokens, sum.Input, sum.Output}
		require.Contains(t, got, n, "what is left in the store is what was used")
	}
}

// offerKind has a node take a request, and returns the window of its admission.
func offerKind(n *node, c *kindCase, group string, input, output int64) (start int64, ok bool) {
	g, err := n.e.Group(group)
	if err != nil {
		return 0, false
	}
	d := engine.Demand{InputTokens: input, OutputTokens: output}
	if c.owner == ofCaller {
		if d.Caller, err = n.e.CallerRef("team"); err != nil {
			return 0, false
		}
	}
	lease, err := g.AcquireGranted(n.t.Context(), d)
	if err != nil {
		return 0, false
	}
	start, _ = c.windowAt(time.Now())
	lease.SettleReserved()
	return start, true
}
