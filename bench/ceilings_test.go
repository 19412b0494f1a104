package bench

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// BenchmarkCeilings measures what grants cost decisions: two engines of ten deployments take
// turns of a thousand acquires and settles, one with ceilings on requests and tokens, as
// escrow sets them, one without. See [compareTurns].
//
//	make overhead
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
	compareTurns(b, groups)
}

// mostOverhead is the most that sharing may cost a decision, as a ratio.
const mostOverhead = 1.02

// compareTurns reports what one acquire and settle takes of a group without and one with something,
// by the CPU clock of their thread: of the fastest twentieth of the turns, and the ratios of those and
// of the medians. It fails if both ratios are above mostOverhead; on a machine with other work one may be.
func compareTurns(b *testing.B, groups [2]*engine.Group) {
	b.Helper()
	times := takeTurns(b, groups)
	fast, median := quantile(times[1], 0.05)/quantile(times[0], 0.05), quantile(times[1], 0.5)/quantile(times[0], 0.5)
	b.ReportMetric(quantile(times[0], 0.05), "ns-without")
	b.ReportMetric(quantile(times[1], 0.05), "ns-with")
	b.ReportMetric(fast, "with/without")
	b.ReportMetric(median, "median-with/without")
	b.ReportMetric(0, "ns/op")
	if b.N >= 1000 && min(fast, median) > mostOverhead {
		b.Errorf("%.3f of what it costs without, want at most %v", min(fast, median), mostOverhead)
	}
}

// takeTurns has two groups take b.N turns of a thousand acquires and settles, and returns what one
// took of their thread's CPU time in each turn, in ns, in order.
func takeTurns(b *testing.B, groups [2]*engine.Group) (times [2][]float64) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const turn = 1000
	for i := range b.N {
		for k := range groups {
			k = (k + i) % 2
			g, begun := groups[k], measure.ThreadTime()
			for range turn {
				lease, ok := g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
				if !ok {
					b.Fatal("refused")
				}
				lease.SettleReserved()
			}
			times[k] = append(times[k], float64((measure.ThreadTime()-begun).Nanoseconds())/turn)
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
