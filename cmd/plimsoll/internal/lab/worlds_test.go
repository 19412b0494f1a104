package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

func play(t *testing.T, name, traffic string, p PolicyKind) *Outcome {
	t.Helper()
	w := world(t, name)
	return playAt(t, w, traffic, p, UsualLoad)
}

// playAt plays short traffic at a load.
func playAt(t *testing.T, w World, traffic string, p PolicyKind, load float64) *Outcome {
	t.Helper()
	fitted, err := lasting(t, &w, traffic, 12*time.Minute).fit(&w, load)
	require.NoError(t, err)
	out, err := Run(t.Context(), w, fitted, p, 1)
	require.NoError(t, err)
	require.Positive(t, out.Served)
	return out
}

// Three deployments have a limit for a day, which their provider holds and the router knows.
func TestDaysAreUsedUp(t *testing.T) {
	w := world(t, "days-cerebras")
	length := 10 * time.Minute
	for place, d := range w.pool() {
		f := newDeployment(&w, d, place, draws(1), noon, noon+int64(length))
		state, limited := f.account.State(noon, rule.DayTokens)
		require.Equal(t, place%4 == 2, limited)
		if limited {
			require.Equal(t, 5*d.TPM, state.Limit)
		}
	}
	ours, plain := play(t, "days-cerebras", "chat", policy(t, OursName)), play(t, "cerebras", "chat", policy(t, OursName))
	require.Less(t, ours.TokensServed, plain.TokensServed, "the days are used up")
	require.Less(t, ours.PerThousand(), 10.0, "and are not asked for more")
	require.Greater(t, play(t, "days-cerebras", "chat", policy(t, LiteLLMName)).PerThousand(), ours.PerThousand())
}

// Anthropic limits input and output apart: traffic is fitted to the limit that it uses more of,
// a provider holds both, and a router is configured with both.
func TestInputAndOutputApart(t *testing.T) {
	w := world(t, "anthropic")
	for place, d := range w.pool() {
		f := newDeployment(&w, d, place, draws(1), noon, noon+int64(time.Minute))
		_, all := f.account.State(noon, rule.Tokens)
		require.False(t, all)
		input, _ := f.account.State(noon, rule.Input)
		output, _ := f.account.State(noon, rule.Output)
		require.Equal(t, d.TPM, input.Limit+output.Limit)
		require.InDelta(t, 5, ratio(input.Limit, output.Limit), 0.001)
	}
	for traffic, of := range map[string]func(rule.Charge) float64{
		"long":   func(c rule.Charge) float64 { return float64(c.Input) / (1 - w.OutputPart) },
		"reason": func(c rule.Charge) float64 { return float64(c.Output) / w.OutputPart },
	} {
		fitted, sum, tpm := lasting(t, &w, traffic, 6*time.Minute), rule.Charge{}, int64(0)
		fitted.each(func(r *trace.Request) { sum.Input, sum.Output = sum.Input+r.Input, sum.Output+r.Output })
		for _, d := range w.pool() {
			tpm += d.TPM
		}
		require.InDelta(t, UsualLoad, of(sum)/fitted.duration().Minutes()/float64(tpm), 0.01, traffic)
	}
	s := &Setting{World: &w, Pool: w.pool(), Now: time.Now, sim: &simulation{world: &w}}
	p, err := newEngine(s, configured, s.Now, 1)
	require.NoError(t, err)
	state := p.engine.AppendStates(nil)[0]
	require.Equal(t, int64(25000), state.Limit(engine.LimitInputTPM).Max)
	require.Equal(t, int64(5000), state.Limit(engine.LimitOutputTPM).Max)
}

// Calls of the less important class are refused first.
func TestClasses(t *testing.T) {
	out := playAt(t, world(t, "classes-fixed"), "chat", policy(t, OursName), 1.5)
	require.Equal(t, out.Offered, out.OfferedByClass[0]+out.OfferedByClass[1])
	require.Equal(t, out.Served, out.ServedByClass[0]+out.ServedByClass[1])
	require.InDelta(t, 0.5, ratio(out.OfferedByClass[1], out.Offered), 0.05)
	require.Greater(t, ratio(out.ServedByClass[0], out.OfferedByClass[0]), ratio(out.ServedByClass[1], out.OfferedByClass[1])+0.02)
	one := playAt(t, world(t, "fixed"), "chat", policy(t, OursName), 1.5)
	require.Zero(t, one.OfferedByClass[1])
	require.Greater(t, ratio(out.ServedByClass[0], out.OfferedByClass[0]), ratio(one.Served, one.Offered))
}

// A deployment counts less of a prompt whose conversation it served within five minutes, and
// a router that keeps conversations together makes use of it.
func TestPromptCache(t *testing.T) {
	w := world(t, "cache-anthropic")
	w.CountError = 0
	d := open(w, 0)
	q := trace.Request{Input: 1000, Output: 10}
	d.adjust(noon)
	require.Zero(t, d.call(q, 1).Cached)
	d.cache.use(conversation(d.draws, 1), noon)
	require.Equal(t, int64(800), d.call(q, 1).Cached)
	require.Zero(t, d.call(q, other(d, 1)).Cached)
	d.adjust(noon + cacheLasts + 1)
	require.Zero(t, d.call(q, 1).Cached)

	ours, random := play(t, "cache-anthropic", "chat", policy(t, OursName)), play(t, "cache-anthropic", "chat", policy(t, "random"))
	require.Greater(t, ours.CachedTokens, random.CachedTokens)
	require.Zero(t, play(t, "anthropic", "chat", policy(t, OursName)).CachedTokens)
}

// other returns the number of a call of another conversation.
func other(d *deployment, number uint64) uint64 {
	for n := number + 1; ; n++ {
		if conversation(d.draws, n) != conversation(d.draws, number) {
			return n
		}
	}
}

// Nodes that reserve are refused less often than nodes that report what they have used, where
// calls do not wait: those that wait fill every minute to the brim in both.
func TestEscrow(t *testing.T) {
	if raceEnabled {
		t.Skip("TestRunsAreCompleteAndRepeatable plays this world under the race detector")
	}
	w := world(t, "escrow5-fixed")
	w.Wait = 0
	out := playAt(t, w, "chat", policy(t, OursName), 1.5)
	w.Mode = syncer.Usage
	usage := playAt(t, w, "chat", policy(t, OursName), 1.5)
	t.Logf("429s per 1000 and tokens: escrow %.1f, %d, usage %.1f, %d", out.PerThousand(), out.TokensServed, usage.PerThousand(), usage.TokensServed)
	require.Less(t, out.Provider429, usage.Provider429)
	require.Greater(t, float64(out.TokensServed), 0.9*float64(usage.TokensServed))
}
