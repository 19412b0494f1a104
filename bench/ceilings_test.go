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
	times := takeTurns(b, groups)
	for with, name := range []string{"ns-without", "ns-with"} {
		b.ReportMetric(quantile(times[with], 0.05), name)
	}
	b.ReportMetric(quantile(times[1], 0.05)/quantile(times[0], 0.05), "with/without")
	b.ReportMetric(0, "ns/op")
}

// takeTurns has two groups take b.N turns of a thousand acquires and settles, and returns what one
// took in each turn, in ns, in order.
func takeTurns(b *testing.B, groups [2]*engine.Group) (times [2][]float64) {
	b.Helper()
	const turn = 1000
	for i := range b.N {
		for k := range groups {
			k = (k + i) % 2
			g, begun := groups[k], time.Now()
			for range turn {
				lease, ok := g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
				if !ok {
					b.Fatal("refused")
				}
				lease.SettleReserved()
			}
			times[k] = append(times[k], float64(time.Since(begun).Nanoseconds())/turn)
		}
	}
	for k := range times {
		slices.Sort(times[k])
	}
	return times
}

func quantile(sorted []float64, part float64) float64 {
	return sorted[int(part*float64(len(sorted)))]
}
