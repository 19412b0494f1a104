package bench

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// BenchmarkCeilings measures what grants cost decisions: two engines of ten deployments take
// turns of a thousand acquires and settles, one with ceilings on requests and tokens, as
// escrow sets them, one without. See [compareTurns].
//
//	make overhead
func BenchmarkCeilings(b *testing.B) {
	compareTurns(b, withoutAndWith(b, provider.Profile{}), mostOverhead)
}

// BenchmarkGrants is BenchmarkCeilings for limits whose windows follow the clock: what a node
// alone uses of them is counted beside the limit.
func BenchmarkGrants(b *testing.B) {
	b.Run("phase", func(b *testing.B) {
		compareTurns(b, withoutAndWith(b, provider.Profile{Phase: 15 * time.Second}), mostOfClocked)
	})
	b.Run("bucket", func(b *testing.B) {
		compareTurns(b, withoutAndWith(b, provider.Profile{Shape: provider.Bucket}), mostOfClocked)
	})
}

func withoutAndWith(b *testing.B, profile provider.Profile) [2]*engine.Group {
	b.Helper()
	return [2]*engine.Group{ceilingsGroup(b, profile, false), ceilingsGroup(b, profile, true)}
}

// ceilingsGroup returns the group of an engine whose limits are granted in part, or not at all.
func ceilingsGroup(b *testing.B, profile provider.Profile, granted bool) *engine.Group {
	b.Helper()
	at := time.Now().Truncate(time.Minute).Add(20 * time.Second)
	cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return at })}
	for i := range 10 {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{
			ID: strconv.Itoa(i), Group: "chat", Limits: engine.Limits{RPM: 1 << 32, TPM: 1 << 40}, Profile: profile,
		})
	}
	e, err := engine.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if granted {
		e.Short() // windows without a grant are closed
		var shares []window.Share
		for _, r := range e.List(nil) {
			r.Requests, r.Tokens = 1000, 100_000
			shares = append(shares, window.Share{Tally: r.Tally, CeilingRequests: 1 << 31, CeilingTokens: 1 << 39, Retry: 150 * time.Millisecond})
		}
		e.Absorb(shares)
	}
	g, err := e.Group("chat")
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// mostOverhead is the most that sharing may cost a decision, as a ratio, and mostOfClocked where
// the windows of two limits follow the clock.
const mostOverhead, mostOfClocked = 1.02, 1.2

// compareTurns reports what one acquire and settle takes of a group without and one with something,
// by the CPU clock of their thread: of the fastest twentieth of the turns, and the ratios of those and
// of the medians. It fails if both ratios are above most; on a machine with other work one may be.
func compareTurns(b *testing.B, groups [2]*engine.Group, most float64) {
	b.Helper()
	times := takeTurns(b, groups)
	fast, median := quantile(times[1], 0.05)/quantile(times[0], 0.05), quantile(times[1], 0.5)/quantile(times[0], 0.5)
	b.ReportMetric(quantile(times[0], 0.05), "ns-without")
	b.ReportMetric(quantile(times[1], 0.05), "ns-with")
	b.ReportMetric(fast, "with/without")
	b.ReportMetric(median, "median-with/without")
	b.ReportMetric(0, "ns/op")
	if b.N >= 1000 && min(fast, median) > most {
		b.Errorf("%.3f of what it costs without, want at most %v", min(fast, median), most)
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
