package lab

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// short returns the traffic of a generator for a few minutes, fitted to a world.
func short(t *testing.T, w *World, name string) *Traffic {
	t.Helper()
	return lasting(t, w, name, 6*time.Minute)
}

func lasting(t *testing.T, w *World, name string, length time.Duration) *Traffic {
	t.Helper()
	for _, traffic := range Generated(length) {
		if traffic.Name == name {
			fitted, err := traffic.fit(w, UsualLoad)
			require.NoError(t, err)
			return fitted
		}
	}
	require.Fail(t, "no traffic", name)
	return nil
}

func world(t *testing.T, name string) World {
	t.Helper()
	w, err := WorldNamed(name)
	require.NoError(t, err)
	return w
}

func policy(t *testing.T, name string) PolicyKind {
	t.Helper()
	p, err := PolicyNamed(name)
	require.NoError(t, err)
	return p
}

// The command relies on what package synctest does with a testing.T that no test made.
func TestBubble(t *testing.T) {
	began := time.Now()
	bubble(func() {
		require.True(t, time.Now().Equal(Start), "virtual time begins at Start")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.True(t, time.Now().Equal(Start.Add(24*time.Hour)))
	})
	require.Less(t, time.Since(began), time.Minute)
}

// Every call that is offered is served, refused or failed, and equal arguments give equal
// bytes: with a network, failures, closed loops, several nodes and calls that wait.
func TestRunsAreCompleteAndRepeatable(t *testing.T) {
	for _, c := range []struct{ world, traffic, policy string }{
		{"fixed", "code", OursName},
		{"brownout", "agents", OursName},
		{"dead", "chat", LiteLLMName},
		{"tenant-azure", "agents", UnknownName},
		{"nodes5-openai", "code", OursName},
		{"wait-azure10", "code", OursName},
		{"wait-fixed", "agents", OursName},
		{"slow", "crowd", "adaptive-weights"},
		{"halved-openai", "chat", "power-of-two"},
		{"escrow5-fixed", "chat", OursName},
		{"auto5-fixed", "code", OursName},
		{"cache-groq", "agents", OursName},
		{"classes-openai", "chat", OursName},
		{"days-cerebras", "crowd", LiteLLMName},
	} {
		if raceEnabled && !slices.Contains([]string{"nodes5-openai", "escrow5-fixed", "wait-fixed"}, c.world) {
			continue
		}
		t.Run(c.world+" "+c.traffic+" "+c.policy, func(t *testing.T) {
			w := world(t, c.world)
			traffic, p := short(t, &w, c.traffic), policy(t, c.policy)
			var first []byte
			for range 2 {
				out, err := Run(t.Context(), w, traffic, p, 7)
				require.NoError(t, err)
				calls := int64(0)
				traffic.each(func(*trace.Request) { calls++ })
				require.Equal(t, calls, out.Offered)
				require.Equal(t, out.Offered, out.Served+out.RefusedLocal+out.RefusedProvider+out.Failed)
				require.Equal(t, out.Attempts, out.Served+out.Provider429+out.Failures)
				require.Positive(t, out.Served)
				got, err := json.Marshal(out)
				require.NoError(t, err)
				if first == nil {
					first = got
				}
				require.Equal(t, string(first), string(got))
				if raceEnabled {
					return
				}
			}
			other, err := Run(t.Context(), w, traffic, p, 8)
			require.NoError(t, err)
			got, err := json.Marshal(other)
			require.NoError(t, err)
			require.NotEqual(t, string(first), string(got), "another seed is another network")
		})
	}
}

// Runs whose calls wait give the same bytes however many processors serve their goroutines.
// The worlds are those where most calls wait at once, and where several are served at one
// instant.
func TestRunsDoNotDependOnTheScheduler(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct{ world, traffic string }{
		{"wait-azure1", "crowd"}, {"wait-openai", "reason"}, {"wait-fixed", "code"},
	} {
		w := world(t, c.world)
		traffic := lasting(t, &w, c.traffic, 12*time.Minute)
		var first []byte
		for _, processors := range []int{1, 4, 2} {
			if raceEnabled && (c.world != "wait-azure1" || processors != 4) {
				continue
			}
			runtime.GOMAXPROCS(processors)
			out, err := Run(t.Context(), w, traffic, policy(t, OursName), 7)
			require.NoError(t, err)
			require.Greater(t, out.Waited, int64(20))
			got, err := json.Marshal(out)
			require.NoError(t, err)
			if first == nil {
				first = got
			}
			require.Equal(t, string(first), string(got), "%s, %s, %d processors", c.world, c.traffic, processors)
		}
	}
}

// A clairvoyant is never refused; its policy would panic. One that may wait refuses no more.
func TestBoundsAreNeverRefused(t *testing.T) {
	for _, name := range []string{"fixed", "azure1", "groq", "tenant-openai", "halved-azure", "wait-openai", "softcap"} {
		w := world(t, name)
		traffic := short(t, &w, "code")
		refused := map[string]int64{}
		for _, b := range w.bounds() {
			out, err := Run(t.Context(), w, traffic, b, 3)
			require.NoError(t, err, b.Name)
			require.Zero(t, out.Provider429, b.Name)
			require.Zero(t, out.Failures, b.Name)
			refused[b.Name] = out.RefusedLocal
		}
		if w.Wait > 0 {
			require.LessOrEqual(t, refused[WaitingBound.Name], refused["clairvoyant: lowest with own size"])
		}
	}
}

// The bound of soft caps passes no cap: what it serves by minute is within them.
func TestSoftBoundKeepsTheCaps(t *testing.T) {
	w := world(t, "softcap")
	out, err := Run(t.Context(), w, short(t, &w, "reason"), SoftBound, 1)
	require.NoError(t, err)
	require.Less(t, ratio(out.Overrun, out.Quota), 0.001)
}

func TestRunEndsWithItsContext(t *testing.T) {
	for _, name := range []string{"fixed", "wait-fixed"} {
		w := world(t, name)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough"))
		_, err := Run(ctx, w, short(t, &w, "chat"), policy(t, OursName), 1)
		require.ErrorIs(t, err, context.Canceled)
	}
}

// The next round of a session begins when all calls of the one before have ended.
func TestSessionsAreClosedLoops(t *testing.T) {
	w := World{Rule: "fixed", Vendor: "openai"}
	call := trace.Request{Input: 8000, Output: 100}
	traffic := &Traffic{Sessions: []Session{{Steps: []Step{
		{Think: time.Second, Calls: []trace.Request{call, call}}, {Think: 2 * time.Second, Calls: []trace.Request{call}},
	}}}}
	var at []time.Duration
	spy := PolicyKind{New: func(s *Setting) (Policy, error) {
		return admitFunc(func(answer func(Attempt)) {
			at = append(at, s.Now().Sub(Start))
			answer(foreseen{place: 0})
		}), nil
	}}
	out, err := Run(t.Context(), w, traffic, spy, 1)
	require.NoError(t, err)
	require.Equal(t, int64(3), out.Served)
	require.Equal(t, []time.Duration{time.Second, time.Second}, at[:2])
	require.Greater(t, at[2], 4*time.Second, "the first round took more than a second, then two to think")
}

type admitFunc func(answer func(Attempt))

func (f admitFunc) Admit(_ uint64, _ trace.Request, _ []int, answer func(Attempt)) { f(answer) }
