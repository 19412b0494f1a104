package bench

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// BenchmarkCeilings measures what grants cost decisions: two engines of ten deployments take
// turns of a thousand acquires and settles, one with ceilings on requests and tokens, as
// escrow sets them, one without. The ratio is of the fastest turns.
//
//	go test -run '^$' -bench Ceilings -benchtime 3000x ./bench
func BenchmarkCeilings(b *testing.B) {
	const turn = 1000
	var groups [2]*engine.Group
	for with := range groups {
		at := time.Now().Truncate(time.Minute)
		cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return at })}
		for i := range 10 {
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: strconv.Itoa(i), Group: "chat", Limits: engine.Limits{RPM: 1 << 32, TPM: 1 << 40}})
		}
		e, err := engine.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		if with == 1 {
			e.Short() // windows without a grant are closed
			for i := range 10 {
				e.Absorb([]window.Share{{
					Tally:           window.Tally{ID: strconv.Itoa(i), Start: at.Unix(), Requests: 1000, Tokens: 100_000},
					CeilingRequests: 1 << 31, CeilingTokens: 1 << 39, Retry: 150 * time.Millisecond,
				}})
			}
		}
		if groups[with], err = e.Group("chat"); err != nil {
			b.Fatal(err)
		}
	}
	var best [2][]float64
	for i := range b.N {
		for with := range groups {
			with = (with + i) % 2
			g, begun := groups[with], time.Now()
			for range turn {
				lease, ok := g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
				if !ok {
					b.Fatal("refused")
				}
				lease.SettleReserved()
			}
			best[with] = append(best[with], float64(time.Since(begun).Nanoseconds())/turn)
		}
	}
	for with, name := range []string{"ns-without", "ns-with"} {
		slices.Sort(best[with])
		b.ReportMetric(best[with][len(best[with])/20], name)
	}
	b.ReportMetric(best[1][len(best[1])/20]/best[0][len(best[0])/20], "with/without")
	b.ReportMetric(0, "ns/op")
}
