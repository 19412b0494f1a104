//go:build invariants

package engine_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// lateStore delays requests to a store and its replies, by seconds now and then.
type lateStore struct {
	syncer.Store
	delay func()
}

func (s lateStore) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	s.delay()
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.Store.Exchange(ctx, b, r)
	s.delay()
	return err
}

// usedBy is a source that keeps what its engine has reported of each window.
type usedBy struct {
	*engine.Engine
	used map[window.Tally]int64 // requests, by ID, kind and start
}

func (u *usedBy) Collect(dst []window.Report) []window.Report {
	from := len(dst)
	dst = u.Engine.Collect(dst)
	for _, r := range dst[from:] {
		u.used[window.Tally{ID: r.ID, Kind: r.Kind, Start: r.Start}] = r.Requests
	}
	return dst
}

// TestDelayedAdmissions: three nodes hold limits by grants while every step of an admission, and
// every exchange, may be delayed by seconds, also over the end of a window and of a grant.
// No window of any kind is admitted beyond its limit.
func TestDelayedAdmissions(t *testing.T) {
	const limit = 120
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		var drawing sync.Mutex
		chance := func(p float64) (time.Duration, bool) {
			drawing.Lock()
			defer drawing.Unlock()
			return time.Duration(r.Int64N(int64(3 * time.Second))), r.Float64() < p
		}
		delays := 0
		remove := invariants.Hook(func() {
			pc, _, _, _ := runtime.Caller(2)
			if f := runtime.FuncForPC(pc); f == nil || !stepOfAdmission(f.Name()) {
				return
			}
			if d, ok := chance(0.15); ok {
				drawing.Lock()
				delays++
				drawing.Unlock()
				time.Sleep(d)
			}
		})
		defer remove()
		store := memstore.New(memstore.Config{})
		cfg := engine.Config{Deployments: []engine.Deployment{
			{ID: "minute", Group: "minute", Limits: engine.Limits{RPM: limit}},
			{ID: "phase", Group: "phase", Limits: engine.Limits{RPM: limit}, Profile: provider.Profile{Phase: 17 * time.Second}},
			{ID: "bucket", Group: "bucket", Limits: engine.Limits{RPM: limit}, Profile: provider.Profile{Shape: provider.Bucket}},
		}}
		ctx, cancel := context.WithCancel(t.Context())
		var running, offering sync.WaitGroup
		var sources []*usedBy
		for i := range 3 {
			cfg.Clock = window.NewClockFrom(time.Now)
			e, err := engine.New(cfg)
			require.NoError(t, err)
			source := &usedBy{e, map[window.Tally]int64{}}
			sources = append(sources, source)
			s, err := syncer.New(source, lateStore{store, func() {
				time.Sleep(time.Millisecond)
				if d, ok := chance(0.01); ok {
					time.Sleep(d / 8)
				}
			}}, syncer.Config{Mode: syncer.Escrow, Clock: cfg.Clock, Away: syncer.Policies{Requests: syncer.Closed}})
			require.NoError(t, err)
			running.Go(func() { _ = s.Run(ctx) })
			for _, id := range []string{"minute", "phase", "bucket"} {
				g, err := e.Group(id)
				require.NoError(t, err)
				offering.Go(func() {
					var wg sync.WaitGroup
					for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
						wg.Go(func() {
							if lease, ok := g.TryAcquire(engine.Demand{}); ok {
								lease.SettleReserved()
							}
						})
						time.Sleep(50 * time.Millisecond)
						if turn := time.Now().Second() / 2; turn%3 != i { // so that each node returns what it has reserved
							time.Sleep(time.Second)
						}
					}
					wg.Wait()
				})
			}
		}
		offering.Wait()
		time.Sleep(time.Second)
		cancel()
		running.Wait()
		all := map[window.Tally]int64{}
		for _, s := range sources {
			for at, n := range s.used {
				all[at] += n
			}
		}
		full, level, last := map[string]int{}, int64(0), int64(0)
		for at := range all {
			if at.Kind == window.KindSlice {
				last = max(last, at.Start)
				continue
			}
			if (at.ID == "minute") == (at.Kind == window.KindMinute) && at.ID != "bucket" {
				require.LessOrEqual(t, all[at], int64(limit), at)
				if all[at] > limit*9/10 {
					full[at.ID]++
				}
			}
		}
		for k := last - 300; k <= last; k++ { // in sixtieths of a request
			n := all[window.Tally{ID: "bucket", Kind: window.KindSlice, Start: k}] * 60
			require.LessOrEqual(t, level+n, int64(limit*60), k)
			if n > 0 {
				full["bucket"]++
			}
			level = n + max(level-limit, 0)
		}
		t.Log(delays, "delays; full:", full)
		require.Greater(t, delays, 100)
		require.Greater(t, min(full["minute"], full["phase"], full["bucket"]), 1)
	})
}

// stepOfAdmission reports whether a function is a step of an admission, which holds no lock.
func stepOfAdmission(name string) bool {
	for _, step := range []string{".acquireBest", ".acquireFor", ".chargeLimits", ".take", ".Do", ".undo", ".end"} {
		if strings.HasSuffix(name, step) {
			return true
		}
	}
	return false
}
