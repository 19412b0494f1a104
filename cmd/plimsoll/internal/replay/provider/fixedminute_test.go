package provider_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func TestFixedMinute(t *testing.T) {
	const refused = false
	type step struct {
		at    time.Duration // after a whole minute
		in    int64         // a call arrives with that many tokens, and is
		ok    bool          // admitted, or refused with
		retry time.Duration
		out   int64 // instead: an answer of that many tokens ends
	}
	for _, tt := range []struct {
		name     string
		rpm, tpm int64
		steps    []step
	}{
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := provider.NewFixedMinute(provider.Deployment{RPM: tt.rpm, TPM: tt.tpm})
			minute := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			for i, s := range tt.steps {
				now := minute.Add(s.at)
				if s.out > 0 {
					rule.End(now, trace.Request{Output: s.out})
					continue
				}
				retry, ok := rule.Admit(now, trace.Request{Input: s.in})
				require.Equal(t, s.ok, ok, "step %d", i)
				require.Equal(t, s.retry, retry, "step %d", i)
			}
		})
	}
}

func TestSoftCapTakesEverything(t *testing.T) {
	rule := provider.NewSoftCap(provider.Deployment{RPM: -1, TPM: 1})
	for range 3 {
		_, ok := rule.Admit(time.Time{}, trace.Request{Input: 100})
		require.True(t, ok)
		rule.End(time.Time{}, trace.Request{Output: 100})
	}
}
