package engine_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// limitCase is a deployment at one limit, and a demand that its limit refuses once
// fill of the same have been admitted.
type limitCase struct {
	name string
	d    engine.Deployment
	q    engine.Demand
	fill int
}

// limitCases are the limits of every kind, in every shape that they can have.
func limitCases() (all []limitCase) {
	limits := []limitCase{
		{"rpm", engine.Deployment{Limits: engine.Limits{RPM: 60}}, exactly(1), 60},
		{"tpm", engine.Deployment{Limits: engine.Limits{TPM: 6000}}, exactly(1000), 6},
		{"input", engine.Deployment{Limits: engine.Limits{InputTPM: 6000}}, exactly(1000), 6},
		{"output", engine.Deployment{Limits: engine.Limits{OutputTPM: 6000}}, engine.Demand{OutputTokens: 1000}, 6},
		{"rpm and tpm", engine.Deployment{Limits: engine.Limits{RPM: 60, TPM: 6000}}, exactly(1000), 6},
		{"rpd", engine.Deployment{Limits: engine.Limits{RPD: 5}}, exactly(1), 5},
		{"tpd", engine.Deployment{Limits: engine.Limits{TPD: 6000}}, exactly(1000), 6},
	}
	rules := []struct {
		name string
		p    provider.Profile
	}{
		{"minute", provider.Profile{}},
		{"bucket", provider.Profile{Shape: provider.Bucket}},
		{"phase", provider.Profile{Phase: 17_500 * time.Millisecond}},
		{"pool", provider.Profile{Pool: "p"}},
		{"pooled bucket", provider.Profile{Pool: "p", Shape: provider.Bucket}},
		{"pacific day", provider.Profile{Day: provider.DayPacific}},
		{"weighted", provider.Profile{Weights: provider.Weights{Input: 0.5, CachedInput: 0.1, CacheWrite: 1, Output: 1}, Shape: provider.Bucket}},
	}
	for _, l := range limits {
		for _, r := range rules {
			l := l
			l.name, l.d.Profile = l.name+", "+r.name, r.p
			if r.name == "weighted" && l.name[0] != 'r' {
				l.fill *= 2
			}
			all = append(all, l)
		}
	}
	return append(
		all,
		limitCase{"parts of a minute", engine.Deployment{Limits: engine.Limits{RPM: 60}, Profile: provider.Profile{RequestWindow: time.Second}}, exactly(1), 1},
		limitCase{"parts with a phase", engine.Deployment{Limits: engine.Limits{RPM: 60}, Profile: provider.Profile{RequestWindow: 10 * time.Second, Phase: 3 * time.Second}}, exactly(1), 10},
	)
}

func (l *limitCase) config() engine.Config {
	d := l.d
	d.ID, d.Group = "a", "chat"
	return engine.Config{Deployments: []engine.Deployment{d}}
}

// exhaust admits demands until one is refused.
func (l *limitCase) exhaust(t *testing.T, g *engine.Group) {
	t.Helper()
	for n := 0; ; n++ {
		lease, ok := g.TryAcquire(l.q)
		if !ok {
			return
		}
		lease.SettleReserved()
		require.LessOrEqual(t, n, 2*l.fill, "no limit refuses")
	}
}

// readClock moves on by a step at every reading.
type readClock struct{ ns, step, reads atomic.Int64 }

func newReadClock(at time.Time, step time.Duration) *readClock {
	c := new(readClock)
	c.ns.Store(at.UnixNano())
	c.step.Store(int64(step))
	return c
}

func (c *readClock) Now() time.Time {
	c.reads.Add(1)
	return time.Unix(0, c.ns.Add(c.step.Load())).UTC()
}

// TestRetryAfterToTheLetter: a demand that comes back after exactly RetryAfter is
// admitted, and one that comes a millisecond earlier is not: for a limit of every
// kind and shape, by Acquire, Pick and PreCheck, on a clock that stands still between
// a test's steps and on one that moves on at every reading.
func TestRetryAfterToTheLetter(t *testing.T) {
	for _, l := range limitCases() {
		for _, step := range []time.Duration{0, time.Microsecond, 50 * time.Microsecond} {
			t.Run(l.name+" "+step.String(), func(t *testing.T) {
				clock := newReadClock(firstMinute.Add(20*time.Second), step)
				cfg := l.config()
				cfg.Clock = window.NewClockFrom(clock.Now)
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g := group(t, e, "chat")
				l.exhaust(t, g)
				wait := refusal(t, g, l.q).RetryAfter
				require.Positive(t, wait)
				at := clock.ns.Load()
				if wait > 2*time.Millisecond {
					clock.ns.Store(at + int64(wait-time.Millisecond))
					early := refusal(t, g, l.q)
					require.Positive(t, early.RetryAfter)
					require.LessOrEqual(t, early.RetryAfter, time.Millisecond)
					_, ok := g.Pick(l.q)
					require.False(t, ok)
				}
				clock.ns.Store(at + int64(wait))
				_, ok := g.Pick(l.q)
				require.True(t, ok, "Pick after %v", wait)
				clock.ns.Store(at + int64(wait))
				require.NoError(t, e.PreCheck("a", l.q), "after %v", wait)
				if l.d.Limits.RPM == 0 && l.d.Limits.RPD == 0 { // PreCheck has taken no tokens
					clock.ns.Store(at + int64(wait))
					acquire(t, g, l.q)
				}
			})
		}
	}
}

// TestRetryAfterIsNeverZero: however often a clock that jumps is read while a demand
// is refused, RetryAfter is 0 only with Never, and a refusal by name counts once.
func TestRetryAfterIsNeverZero(t *testing.T) {
	for _, l := range limitCases() {
		for _, step := range []time.Duration{time.Millisecond, 7 * time.Second, 61 * time.Second, 25 * time.Hour} {
			t.Run(l.name+" "+step.String(), func(t *testing.T) {
				clock := newReadClock(firstMinute.Add(20*time.Second), 0)
				cfg := l.config()
				cfg.Clock = window.NewClockFrom(clock.Now)
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g := group(t, e, "chat")
				refusals, admitted := 0, 0
				for range 40 {
					clock.step.Store(0)
					l.exhaust(t, g)
					before := e.Stats()
					clock.step.Store(int64(step))
					var errs [3]error
					_, errs[0] = g.Acquire(l.q)
					_, errs[1] = e.Pick("chat", l.q)
					errs[2] = e.PreCheck("a", l.q)
					clock.step.Store(0)
					n := int64(0)
					for _, err := range errs {
						if err == nil {
							admitted++
							continue
						}
						n++
						refusals++
						var limited *engine.LimitError
						require.ErrorAs(t, err, &limited)
						require.Positive(t, limited.RetryAfter)
						require.False(t, limited.Never)
						require.NotEqual(t, engine.LimitNone, limited.Limit)
					}
					counted := int64(0)
					for limit, k := range e.Stats().Refused {
						counted += k - before.Refused[limit]
					}
					require.Equal(t, n, counted, "each refusal counts once")
				}
				require.Positive(t, refusals+admitted)
			})
		}
	}
}

// TestPreCheckWeighsWhatIsCharged: where a profile charges no tokens at admission,
// PreCheck admits by the requests alone, whatever debt the tokens are in; where it
// charges some, a refusal says how long that lasts.
func TestPreCheckWeighsWhatIsCharged(t *testing.T) {
	for _, admit := range []provider.Admit{provider.AdmitNothing, provider.AdmitInput, provider.AdmitExpected, provider.AdmitInputMax, provider.AdmitLarger} {
		for _, shape := range []provider.Shape{provider.Minute, provider.Bucket} {
			for _, limits := range []engine.Limits{{TPM: 1000}, {InputTPM: 1000}, {OutputTPM: 1000}, {TPD: 1000}} {
				for _, d := range []engine.Demand{{OutputTokens: 20}, {InputTokens: 20}, exactly(0), {InputTokens: 20, OutputTokens: 20, MaxOutputTokens: 30}} {
					cfg := one(limits)
					cfg.Deployments[0].Profile = provider.Profile{Admit: admit, Shape: shape}
					e, clock := start(t, cfg)
					require.NoError(t, e.Record("a", engine.Usage{InputTokens: 1500, OutputTokens: 1500}))
					err := e.PreCheck("a", d)
					if admit == provider.AdmitNothing || d.InputTokens == 0 && d.OutputTokens <= 0 || admit == provider.AdmitInput && d.InputTokens == 0 {
						require.NoError(t, err, "%v %v %+v %+v", admit, shape, limits, d)
						continue
					}
					if err == nil {
						continue
					}
					var limited *engine.LimitError
					require.ErrorAs(t, err, &limited)
					require.Positive(t, limited.RetryAfter, "%v %v %+v %+v", admit, shape, limits, d)
					clock.Advance(limited.RetryAfter)
					require.NoError(t, e.PreCheck("a", d), "%v %v %+v %+v", admit, shape, limits, d)
				}
			}
		}
	}
}

// TestIdleForLong: a limit that nobody has used for long has room, however long that
// was: a counter's window number is never taken for one that has passed.
func TestIdleForLong(t *testing.T) {
	for _, l := range limitCases() {
		for _, idle := range []time.Duration{2048 * time.Second, 1948 * time.Second, 5*time.Hour + 25*time.Minute, 1948 * time.Minute, 2048 * time.Minute, 67 * time.Hour, 4096 * time.Minute} {
			if l.d.Limits.RPD+l.d.Limits.TPD != 0 && idle < 48*time.Hour {
				continue
			}
			e, clock := start(t, l.config())
			g := group(t, e, "chat")
			l.exhaust(t, g)
			clock.Advance(idle)
			acquire(t, g, l.q).SettleReserved()
			l.exhaust(t, g)
			wait := refusal(t, g, l.q).RetryAfter
			require.True(t, wait <= time.Minute || l.d.Limits.RPD+l.d.Limits.TPD != 0, "%s idle for %v: %v", l.name, idle, wait)
			clock.Advance(wait)
			acquire(t, g, l.q)
		}
	}
}
