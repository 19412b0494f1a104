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
	name   string
	d      engine.Deployment
	q      engine.Demand
	fill   int
	caller bool // the limit is a caller's
}

// limitCases are the limits of every kind, in every shape that they can have.
func limitCases() (all []limitCase) {
	limits := []limitCase{
		{name: "rpm", d: engine.Deployment{Limits: engine.Limits{RPM: 60}}, q: exactly(1), fill: 60},
		{name: "tpm", d: engine.Deployment{Limits: engine.Limits{TPM: 6000}}, q: exactly(1000), fill: 6},
		{name: "input", d: engine.Deployment{Limits: engine.Limits{InputTPM: 6000}}, q: exactly(1000), fill: 6},
		{name: "output", d: engine.Deployment{Limits: engine.Limits{OutputTPM: 6000}}, q: engine.Demand{OutputTokens: 1000}, fill: 6},
		{name: "rpm and tpm", d: engine.Deployment{Limits: engine.Limits{RPM: 60, TPM: 6000}}, q: exactly(1000), fill: 6},
		{name: "rph", d: engine.Deployment{Limits: engine.Limits{RPH: 5}}, q: exactly(1), fill: 5},
		{name: "tph", d: engine.Deployment{Limits: engine.Limits{TPH: 6000}}, q: exactly(1000), fill: 6},
		{name: "rpd", d: engine.Deployment{Limits: engine.Limits{RPD: 5}}, q: exactly(1), fill: 5},
		{name: "tpd", d: engine.Deployment{Limits: engine.Limits{TPD: 6000}}, q: exactly(1000), fill: 6},
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
			if r.p.Pool == "" && r.p.Phase == 0 { // callers have neither
				l.name, l.caller = l.name+", of a caller", true
				all = append(all, l)
			}
		}
	}
	return append(
		all,
		limitCase{name: "parts of a minute", d: engine.Deployment{Limits: engine.Limits{RPM: 60}, Profile: provider.Profile{RequestWindow: time.Second}}, q: exactly(1), fill: 1},
		limitCase{name: "parts with a phase", d: engine.Deployment{Limits: engine.Limits{RPM: 60}, Profile: provider.Profile{RequestWindow: 10 * time.Second, Phase: 3 * time.Second}}, q: exactly(1), fill: 10},
	)
}

// on returns the case for an engine of its config: with the demand's caller, if it has one.
func (l limitCase) on(t *testing.T, e *engine.Engine) limitCase {
	t.Helper()
	if l.caller {
		l.q.Caller = callerRef(t, e, "team")
	}
	return l
}

func (l *limitCase) config() engine.Config {
	d := l.d
	d.ID, d.Group = "a", "chat"
	if !l.caller {
		return engine.Config{Deployments: []engine.Deployment{d}}
	}
	return engine.Config{
		Deployments: []engine.Deployment{{ID: "a", Group: "chat"}},
		Callers:     []engine.Caller{{ID: "team", Limits: d.Limits, Profile: d.Profile}},
	}
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
				g, l := group(t, e, "chat"), l.on(t, e)
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
				if l.d.Limits.RPM+l.d.Limits.RPH+l.d.Limits.RPD == 0 { // PreCheck has taken no tokens
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
			if raceEnabled && step != 61*time.Second { // one goroutine: nothing to find but time to lose
				continue
			}
			t.Run(l.name+" "+step.String(), func(t *testing.T) {
				clock := newReadClock(firstMinute.Add(20*time.Second), 0)
				cfg := l.config()
				cfg.Clock = window.NewClockFrom(clock.Now)
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g, l := group(t, e, "chat"), l.on(t, e)
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

// TestIdleForLong: a limit of which nothing was used for long has headroom, however long that
// was: a counter's window number is never taken for one that has passed.
func TestIdleForLong(t *testing.T) {
	for _, l := range limitCases() {
		for _, idle := range []time.Duration{2048 * time.Second, 1948 * time.Second, 5*time.Hour + 25*time.Minute, 1948 * time.Minute, 2048 * time.Minute, 67 * time.Hour, 4096 * time.Minute} {
			if l.d.Limits.RPD+l.d.Limits.TPD != 0 && idle < 48*time.Hour || l.d.Limits.RPH+l.d.Limits.TPH != 0 && idle < 2*time.Hour {
				continue
			}
			e, clock := start(t, l.config())
			g, l := group(t, e, "chat"), l.on(t, e)
			l.exhaust(t, g)
			clock.Advance(idle)
			acquire(t, g, l.q).SettleReserved()
			l.exhaust(t, g)
			wait := refusal(t, g, l.q).RetryAfter
			require.True(t, wait <= time.Minute || l.d.Limits.RPH+l.d.Limits.TPH+l.d.Limits.RPD+l.d.Limits.TPD != 0, "%s idle for %v: %v", l.name, idle, wait)
			clock.Advance(wait)
			acquire(t, g, l.q)
		}
	}
}
