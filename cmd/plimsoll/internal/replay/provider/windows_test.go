package provider_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

const refused = false

// step is something that happens to a rule: a call arrives, or an answer ends.
type step struct {
	at    time.Duration // after a whole minute
	in    int64         // a call arrives with that many tokens
	most  int64         // and names that many for its answer, and is
	ok    bool          // admitted, or refused with
	retry time.Duration
	out   int64 // instead: an answer of that many tokens ends
}

// ruleCase is a sequence worked out by hand.
type ruleCase struct {
	name     string
	rpm, tpm int64
	steps    []step
}

// play requires that a rule does what its cases say.
func play(t *testing.T, newRule provider.NewRule, id string, cases []ruleCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			rule := newRule(provider.Deployment{ID: id, RPM: tt.rpm, TPM: tt.tpm})
			minute := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			for i, s := range tt.steps {
				now := minute.Add(s.at)
				if s.out > 0 {
					rule.End(now, trace.Request{Output: s.out})
					continue
				}
				r := trace.Request{Input: s.in, MaxOutput: s.most}
				require.Equal(t, s.ok, rule.State(now).Fits(rule.Charge(r)), "step %d", i)
				retry, ok := rule.Admit(now, r)
				require.Equal(t, s.ok, ok, "step %d", i)
				require.Equal(t, s.retry, retry, "step %d", i)
			}
		})
	}
}

func TestFixedMinute(t *testing.T) {
	play(t, provider.NewFixedMinute, "", []ruleCase{
		{"tokens up to the limit", 10, 100, []step{
			{at: 0, in: 60, ok: true},
			{at: time.Second, in: 41, ok: refused, retry: 59 * time.Second},
			{at: time.Second, in: 40, ok: true},
			{at: 2 * time.Second, in: 1, ok: refused, retry: 58 * time.Second},
			{at: 2 * time.Second, in: 0, ok: true},
		}},
		{"requests up to the limit, refused ones not counted", 2, 100, []step{
			{at: 0, in: 101, ok: refused, retry: 60 * time.Second},
			{at: 0, in: 1, ok: true},
			{at: 0, in: 1, ok: true},
			{at: 10 * time.Second, in: 1, ok: refused, retry: 50 * time.Second},
		}},
		{"a new minute is empty", 1, 100, []step{
			{at: 59999 * time.Millisecond, in: 100, ok: true},
			{at: time.Minute, in: 100, ok: true},
			{at: 5 * time.Minute, in: 100, ok: true},
		}},
		{"output counts when it ends and may overrun", 10, 100, []step{
			{at: 0, in: 50, ok: true},
			{at: 10 * time.Second, out: 500},
			{at: 10 * time.Second, in: 0, ok: refused, retry: 50 * time.Second},
			{at: time.Minute, in: 90, ok: true},
		}},
		{"output counts in the minute of its end", 10, 100, []step{
			{at: 0, in: 50, ok: true},
			{at: 61 * time.Second, out: 30},
			{at: 62 * time.Second, in: 71, ok: refused, retry: 58 * time.Second},
			{at: 62 * time.Second, in: 70, ok: true},
		}},
		{"no limits", 0, 0, []step{
			{at: 0, in: 1 << 40, ok: true},
			{at: 0, in: 1 << 40, ok: true},
		}},
		{"no request is allowed", -1, 0, []step{{at: 0, in: 0, ok: refused, retry: 60 * time.Second}}},
		{"no token is allowed", 0, -1, []step{
			{at: 0, in: 1, ok: refused, retry: 60 * time.Second},
			{at: 0, in: 0, ok: true},
		}},
		{"retry-after is rounded up to whole seconds", 1, 1, []step{
			{at: 100 * time.Millisecond, in: 2, ok: refused, retry: 60 * time.Second},
			{at: 58999 * time.Millisecond, in: 2, ok: refused, retry: 2 * time.Second},
			{at: time.Minute - 1, in: 2, ok: refused, retry: time.Second},
		}},
	})
}

// idPhase is the ID of a deployment with a phase.
const idPhase = "a"

func TestFixedUnknownHasAPhase(t *testing.T) {
	phase := phaseOf(t, provider.NewFixedUnknown(provider.Deployment{ID: idPhase, RPM: 1, TPM: 1}))
	require.NotZero(t, phase)
	require.Equal(t, phase, phaseOf(t, provider.NewFixedUnknown(provider.Deployment{ID: idPhase, RPM: 1, TPM: 1})), "the same in every run")
	require.NotEqual(t, phase, phaseOf(t, provider.NewFixedUnknown(provider.Deployment{ID: "b", RPM: 1, TPM: 1})))
	play(t, provider.NewFixedUnknown, idPhase, []ruleCase{
		{"a minute from its own beginning", 10, 100, []step{
			{at: phase, in: 100, ok: true},
			{at: phase + time.Second, in: 1, ok: refused, retry: 59 * time.Second},
			{at: phase + time.Minute - 1, in: 1, ok: refused, retry: time.Second},
			{at: phase + time.Minute, in: 100, ok: true},
		}},
		{"output in the window of its end", 10, 100, []step{
			{at: phase, in: 50, ok: true},
			{at: phase + time.Minute, out: 60},
			{at: phase + 70*time.Second, in: 41, ok: refused, retry: 50 * time.Second},
			{at: phase + 70*time.Second, in: 40, ok: true},
		}},
	})
}

// phaseOf returns when after a whole minute a rule's windows begin.
func phaseOf(t *testing.T, rule provider.Rule) time.Duration {
	t.Helper()
	minute := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	return rule.State(minute).Tokens.Reset % time.Minute
}

func TestAzure10(t *testing.T) {
	phase := phaseOf(t, provider.NewAzure10(provider.Deployment{ID: idPhase, RPM: 6, TPM: 1}))
	play(t, provider.NewAzure10, idPhase, []ruleCase{
		{"input and the most of the answer are charged", 600, 1000, []step{
			{at: phase, in: 100, most: 800, ok: true},
			{at: phase + time.Second, in: 51, most: 50, ok: refused, retry: 59 * time.Second},
			{at: phase + time.Second, in: 50, most: 50, ok: true},
			{at: phase + 2*time.Second, in: 1, ok: refused, retry: 58 * time.Second},
		}},
		{"a short answer gives nothing back, a long one takes nothing", 600, 1000, []step{
			{at: phase, in: 100, most: 900, ok: true},
			{at: phase + time.Second, out: 1},
			{at: phase + 2*time.Second, in: 1, ok: refused, retry: 58 * time.Second},
			{at: phase + time.Minute, in: 1000, ok: true},
			{at: phase + 61*time.Second, out: 500},
			{at: phase + 2*time.Minute, in: 1000, ok: true},
		}},
		{"requests per ten seconds", 12, 0, []step{
			{at: phase, ok: true},
			{at: phase + 9*time.Second, ok: true},
			{at: phase + 9500*time.Millisecond, ok: refused, retry: time.Second},
			{at: phase + 10*time.Second, ok: true},
			{at: phase + 10*time.Second, ok: true},
			{at: phase + 10*time.Second, ok: refused, retry: 10 * time.Second},
			{at: phase + 30*time.Second, ok: true},
		}},
		{"both: the longer wait", 6, 100, []step{
			{at: phase, in: 100, ok: true},
			{at: phase + time.Second, in: 1, ok: refused, retry: 59 * time.Second},
			{at: phase + time.Second, in: 0, ok: refused, retry: 9 * time.Second},
		}},
		{"a sixth of few is one", 3, 0, []step{
			{at: phase, ok: true},
			{at: phase, ok: refused, retry: 10 * time.Second},
			{at: phase + 10*time.Second, ok: true},
		}},
		{"nothing is allowed", -1, 0, []step{{at: phase, ok: refused, retry: 10 * time.Second}}},
		{"no limits", 0, 0, []step{{at: phase, in: 1 << 40, most: 1 << 40, ok: true}}},
	})
}

func TestAzure1(t *testing.T) {
	phase := phaseOf(t, provider.NewAzure1(provider.Deployment{ID: idPhase, RPM: 60, TPM: 1}))
	play(t, provider.NewAzure1, idPhase, []ruleCase{
		{"requests per second", 120, 0, []step{
			{at: phase, ok: true},
			{at: phase + 999*time.Millisecond, ok: true},
			{at: phase + 999*time.Millisecond, ok: refused, retry: time.Second},
			{at: phase + time.Second, ok: true},
		}},
		{"tokens per minute", 600, 100, []step{
			{at: phase, in: 60, most: 40, ok: true},
			{at: phase + 30*time.Second, in: 1, ok: refused, retry: 30 * time.Second},
			{at: phase + time.Minute, in: 1, ok: true},
		}},
	})
}
