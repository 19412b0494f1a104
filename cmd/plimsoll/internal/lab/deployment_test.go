package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

var noon = Start.Add(12 * time.Hour).UnixNano()

func open(w World, place int) *deployment {
	return newDeployment(&w, provider.Deployment{ID: "d", RPM: 600, TPM: 100_000, PerOutputToken: 20 * time.Millisecond}, place, draws(1), noon, noon+int64(time.Hour))
}

// Each provider's account admits and refuses as its written rule says. The call has 1000
// tokens of input, at most 4000 of output, and 500 in the end.
func TestProvidersCountByTheirRules(t *testing.T) {
	call := trace.Request{Input: 1000, Output: 500, MaxOutput: 4000}
	for _, c := range []struct {
		rule       string
		admitted   int64 // tokens while the call runs
		ended      int64 // tokens once it has ended
		continuous bool  // a part is free again after half a minute
	}{
		{"fixed", 1000, 1500, false},
		{"openai", 4000, 1500, true}, // the larger of input and max_tokens
		{"azure", 5000, 5000, false}, // input and max_tokens stand
		{"azure-1s", 5000, 5000, false},
		{"anthropic", 1000, 1500, true}, // input, then output as it is produced
		{"bedrock", 5000, 1500, true},   // input and max_tokens, corrected in the end
		{"groq", 5000, 1500, true},
		{"gemini", 1000, 1000, true}, // input only
		{"gemini-minute", 1000, 1000, false},
		{"bedrock-minute", 5000, 1500, false},
		{"mistral", 5000, 5000, false},
		{"cerebras", 5000, 1500, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := open(World{Rule: c.rule}, 0)
			now := noon + int64(d.phase) + 1 // a minute of the account begins
			require.Nil(t, d.account.Admit(now, d.call(call, 1)))
			used := func(at int64) int64 {
				s, ok := d.account.State(at, rule.Tokens)
				require.True(t, ok)
				return 100_000 - s.Left
			}
			require.Equal(t, c.admitted, used(now))
			d.account.End(now, now, d.call(call, 1))
			require.Equal(t, c.ended, used(now))
			half := now + int64(30*time.Second)
			if c.continuous {
				require.Zero(t, used(half))
			} else {
				require.Equal(t, c.ended, used(half))
				require.Zero(t, used(now+int64(time.Minute)))
			}
		})
	}
}

func TestCountsDiffer(t *testing.T) {
	seen := map[int64]bool{}
	for place := range 10 {
		d := open(World{Rule: "fixed", Skew: 0.1}, place)
		n := d.call(trace.Request{Input: 10_000, Output: 7}, 1).Input
		require.Equal(t, n, d.call(trace.Request{Input: 10_000}, 2).Input, "a deployment counts all alike")
		require.InDelta(t, 10_000, n, 1000)
		require.Equal(t, int64(7), d.call(trace.Request{Output: 7}, 1).Output)
		seen[n] = true
	}
	require.Greater(t, len(seen), 8)
	sum := int64(0)
	for number := range uint64(1000) {
		n := open(World{Rule: "fixed", CountError: 0.1}, 3).call(trace.Request{Input: 10_000}, number).Input
		require.InDelta(t, 10_000, n, 1000)
		sum += n
	}
	require.InDelta(t, 10_000, float64(sum)/1000, 60, "right in the mean")
	require.Equal(t, int64(10_000), open(World{Rule: "fixed"}, 3).call(trace.Request{Input: 10_000}, 5).Input)
}

func TestHeadersAsTheWorldShowsThem(t *testing.T) {
	get := func(w World, refusal *rule.Refusal) func(string) string {
		w.Rule = "azure"
		header, _ := open(w, 0).answer(noon, 1, 0, refusal)
		return header
	}
	no := &rule.Refusal{Kind: rule.Tokens, Wait: 5 * time.Second}
	for _, c := range []struct {
		name      string
		world     World
		refusal   *rule.Refusal
		remaining bool
		reset     bool
		retry     string
	}{
		{"all", World{}, nil, true, true, ""},
		{"all, refused", World{}, no, true, true, "5"},
		{"reset on refusal", World{Headers: ResetOnRefusal}, nil, true, false, ""},
		{"reset on refusal, refused", World{Headers: ResetOnRefusal}, no, true, true, "5"},
		{"only Retry-After", World{Headers: OnlyRetryAfter}, nil, false, false, ""},
		{"only Retry-After, refused", World{Headers: OnlyRetryAfter}, no, false, false, "5"},
		{"lost", World{HeaderLoss: 1}, nil, false, false, ""},
		{"refusals are not lost", World{HeaderLoss: 1}, no, true, true, "5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := get(c.world, c.refusal)
			require.Equal(t, c.remaining, h("X-RateLimit-Remaining-Tokens") != "")
			require.Equal(t, c.reset, h("x-ratelimit-reset-tokens") != "")
			require.Equal(t, c.retry, h("Retry-After"))
		})
	}
}

func TestDisturbances(t *testing.T) {
	tpm := func(d *deployment, now int64) int64 {
		d.adjust(now)
		s, _ := d.account.State(now, rule.Tokens)
		return s.Limit
	}
	at := func(share float64) int64 { return noon + int64(share*float64(time.Hour)) }

	halved := World{Rule: "openai", Halve: true}
	d := open(halved, 2)
	require.Equal(t, int64(100_000), tpm(d, at(0.2)))
	require.Equal(t, int64(50_000), tpm(d, at(0.5)))
	require.Equal(t, int64(100_000), tpm(d, at(0.8)))
	require.Equal(t, int64(100_000), tpm(open(halved, 3), at(0.5)))

	require.Equal(t, int64(76_923), tpm(open(World{Rule: "azure", WrongLimits: 0.3}, 2), noon), "the configured limit is 30 % too high")
	require.Equal(t, int64(142_857), tpm(open(World{Rule: "azure", WrongLimits: 0.3}, 4), noon), "and here 30 % too low")
	require.Equal(t, int64(100_000), tpm(open(World{Rule: "azure", WrongLimits: 0.3}, 5), noon))

	failed := 0
	for n := range uint64(1000) {
		f := open(World{Rule: "openai", Faults: BrownOut}, 3).fault(at(0.5), n, 0)
		if f.status == 500 {
			failed++
		}
	}
	require.InDelta(t, 500, failed, 60)
	require.Equal(t, fault{slow: 1}, open(World{Rule: "openai", Faults: BrownOut}, 3).fault(at(0.7), 1, 0))
	require.True(t, open(World{Rule: "openai", Faults: Dead}, 7).fault(at(0.5), 1, 0).hangs)
	require.InDelta(t, 10, open(World{Rule: "openai", Faults: Slow}, 1).fault(at(0.5), 1, 0).slow, 0)
}

// The other client of three deployments uses about its share, and no more than is left.
func TestTenant(t *testing.T) {
	w := World{Rule: "fixed", Vendor: "openai", Tenant: 0.4}
	length := 10 * time.Minute
	s := &simulation{world: &w, now: Start.UnixNano(), draws: 5}
	end := s.now + int64(length)
	for i, d := range w.pool() {
		s.deployments = append(s.deployments, newDeployment(&w, d, i, s.draws, s.now, end))
	}
	used := make([]int64, len(s.deployments))
	s.disturb(end)
	for i := range 10 { // at the end of each minute
		s.events.add(Start.UnixNano()+int64(i+1)*minute-1, func() {
			for i, d := range s.deployments {
				state, _ := d.account.State(s.now, rule.Tokens)
				used[i] += d.TPM - state.Left
			}
		})
	}
	require.NoError(t, s.loop(t.Context()))
	for i, d := range s.deployments {
		share := float64(used[i]) / float64(d.TPM) / length.Minutes()
		if i%4 == 2 {
			require.InDelta(t, 0.4, share, 0.06)
		} else {
			require.Zero(t, share)
		}
	}
}

func TestTimes(t *testing.T) {
	d := open(World{Rule: "fixed"}, 0)
	q := trace.Request{Input: 8000, Output: 100}
	var first, all time.Duration
	for n := range uint64(500) {
		f, a := d.times(q, n, 1)
		first, all = first+f, all+a
	}
	require.InDelta(t, 1.25, first.Seconds()/500, 0.1)
	require.InDelta(t, 3.25, all.Seconds()/500, 0.15)
	slow, _ := d.times(q, 1, 10)
	fast, _ := d.times(q, 1, 1)
	require.InDelta(t, 10, slow.Seconds()/fast.Seconds(), 0.01)
}
