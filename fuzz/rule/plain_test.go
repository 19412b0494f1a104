package rule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

const refused = false

// step is something that happens to an account: a call arrives, or an answer ends.
type step struct {
	at    time.Duration // after a whole minute
	in    int64         // a call arrives with that many tokens
	most  int64         // and allows that many for its answer, and is
	ok    bool          // admitted, or refused with
	retry time.Duration // this Retry-After
	out   int64         // instead: an answer of that many tokens ends
}

// ruleCase is a sequence worked out by hand.
type ruleCase struct {
	name     string
	rpm, tpm int64
	steps    []step
}

// phase is that of the accounts of phased rules here.
const phase = 12_345 * time.Millisecond

// play requires that an account does what the cases say.
func play(t *testing.T, name string, cases []ruleCase) {
	t.Helper()
	r, ok := rule.Named(name)
	require.True(t, ok)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			account := r.Open(rule.Limits{RPM: tt.rpm, TPM: tt.tpm}, phase)
			minute := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			for i, s := range tt.steps {
				now := minute.Add(s.at).UnixNano()
				if s.out > 0 {
					account.End(now, now, rule.Call{Output: s.out})
					continue
				}
				c := rule.Call{Input: s.in, MaxOutput: s.most}
				require.Equal(t, s.ok, account.Fits(now, c), "step %d", i)
				refusal := account.Admit(now, c)
				require.Equal(t, s.ok, refusal == nil, "step %d", i)
				if refusal != nil {
					require.Equal(t, s.retry, refusal.RetryAfter(), "step %d", i)
				}
			}
		})
	}
}

func TestFixedMinute(t *testing.T) {
	play(t, "fixed", []ruleCase{
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

func TestFixedUnknownHasAPhase(t *testing.T) {
	play(t, "fixed-unknown", []ruleCase{
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

func TestAzure10(t *testing.T) {
	play(t, "azure", []ruleCase{
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
	play(t, "azure-1s", []ruleCase{
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

func TestBucket(t *testing.T) {
	play(t, "bucket", []ruleCase{
		{"full at first, then a sixtieth a second", 0, 600, []step{
			{at: 0, in: 600, ok: true},
			{at: 0, in: 1, ok: refused, retry: time.Second},
			{at: time.Second, in: 11, ok: refused, retry: time.Second},
			{at: time.Second, in: 10, ok: true},
			{at: 3 * time.Second, in: 100, ok: refused, retry: 8 * time.Second},
			{at: 11 * time.Second, in: 100, ok: true},
		}},
		{"never more than full", 0, 600, []step{
			{at: time.Hour, in: 600, ok: true},
			{at: 3 * time.Hour, in: 600, ok: true},
			{at: 3 * time.Hour, in: 1, ok: refused, retry: time.Second},
		}},
		{"output is a debt", 0, 600, []step{
			{at: 0, in: 500, ok: true},
			{at: 0, out: 400},                                                   // 300 below
			{at: 0, in: 0, ok: refused, retry: 30 * time.Second},                // 300 / 10
			{at: 10 * time.Second, in: 1, ok: refused, retry: 21 * time.Second}, // 201 / 10, rounded up
			{at: 30 * time.Second, in: 0, ok: true},
			{at: 31 * time.Second, in: 10, ok: true},
		}},
		{"too large for ever: until full", 0, 600, []step{
			{at: 0, in: 601, ok: refused, retry: time.Second},
			{at: 0, in: 300, ok: true},
			{at: 0, in: 601, ok: refused, retry: 30 * time.Second},
		}},
		{"three a minute: one in twenty seconds", 3, 0, []step{
			{at: 0, ok: true},
			{at: 0, ok: true},
			{at: 0, ok: true},
			{at: 0, ok: refused, retry: 20 * time.Second},
			{at: 19 * time.Second, ok: refused, retry: time.Second},
			{at: 20 * time.Second, ok: true},
			{at: 20 * time.Second, ok: refused, retry: 20 * time.Second},
		}},
		{"a refused call takes nothing", 3, 60, []step{
			{at: 0, in: 60, ok: true},
			{at: 0, in: 10, ok: refused, retry: 10 * time.Second},
			{at: 10 * time.Second, in: 10, ok: true},
			{at: 20 * time.Second, in: 10, ok: true},
		}},
		// OpenAI printed these waits: 1.146 s, 84 ms and 11.054 s.
		{"limit 50000, used 47949, requested 3006", 0, 50_000, []step{
			{at: 0, in: 47_949, ok: true},
			{at: 0, in: 3006, ok: refused, retry: 2 * time.Second},
			{at: 1145 * time.Millisecond, in: 3006, ok: refused, retry: time.Second},
			{at: 1147 * time.Millisecond, in: 3006, ok: true},
		}},
		{"limit 30000, used 22999, requested 12528", 0, 30_000, []step{
			{at: 0, in: 22_999, ok: true},
			{at: 0, in: 12_528, ok: refused, retry: 12 * time.Second},
			{at: 11053 * time.Millisecond, in: 12_528, ok: refused, retry: time.Second},
			{at: 11055 * time.Millisecond, in: 12_528, ok: true},
		}},
		{"nothing is allowed", 0, -1, []step{
			{at: 0, in: 1, ok: refused, retry: time.Minute},
			{at: 0, in: 0, ok: true},
		}},
		{"no limits", 0, 0, []step{{at: 0, in: 1 << 40, ok: true}}},
	})
}

func TestSliding(t *testing.T) {
	play(t, "sliding", []ruleCase{
		{"sixty seconds from each use", 0, 100, []step{
			{at: 0, in: 60, ok: true},
			{at: 20 * time.Second, in: 40, ok: true},
			{at: 30 * time.Second, in: 1, ok: refused, retry: 30 * time.Second},
			{at: 30 * time.Second, in: 61, ok: refused, retry: 50 * time.Second},
			{at: time.Minute - 1, in: 1, ok: refused, retry: time.Second},
			{at: time.Minute, in: 60, ok: true},
			{at: time.Minute, in: 1, ok: refused, retry: 20 * time.Second},
			{at: 80 * time.Second, in: 40, ok: true},
		}},
		{"output counts from its end", 0, 100, []step{
			{at: 0, in: 10, ok: true},
			{at: 50 * time.Second, out: 120},
			{at: 50 * time.Second, in: 0, ok: refused, retry: time.Minute},
			{at: 109 * time.Second, in: 0, ok: refused, retry: time.Second},
			{at: 110 * time.Second, in: 100, ok: true},
		}},
		{"requests", 2, 0, []step{
			{at: 0, ok: true},
			{at: 10 * time.Second, ok: true},
			{at: 20 * time.Second, ok: refused, retry: 40 * time.Second},
			{at: time.Minute, ok: true},
			{at: time.Minute, ok: refused, retry: 10 * time.Second},
		}},
		{"too large for ever", 0, 100, []step{
			{at: 0, in: 101, ok: refused, retry: time.Minute},
			{at: 0, in: 100, ok: true},
		}},
		{"nothing is allowed", -1, 0, []step{{at: 0, ok: refused, retry: time.Minute}}},
		{"no limits", 0, 0, []step{{at: 0, in: 1 << 40, ok: true}}},
	})
}

// What is used stays used when limits change; a bucket misses the same tokens as before.
func TestSetLimits(t *testing.T) {
	for _, name := range []string{"fixed", "bucket", "sliding"} {
		r, ok := rule.Named(name)
		require.True(t, ok)
		a := r.Open(rule.Limits{RPM: 10, TPM: 1000}, 0)
		require.Nil(t, a.Admit(noon, rule.Call{Input: 600}))
		for _, step := range []struct{ limit, left int64 }{{500, -100}, {2000, 1400}, {1000, 400}} {
			a.SetLimits(noon, rule.Limits{RPM: 10, TPM: step.limit})
			s, ok := a.State(noon, rule.Tokens)
			require.True(t, ok)
			require.Equal(t, step.limit, s.Limit, name)
			require.Equal(t, step.left, s.Left, name)
		}
		s, _ := a.State(noon, rule.Requests)
		require.Equal(t, int64(9), s.Left)
	}
}
