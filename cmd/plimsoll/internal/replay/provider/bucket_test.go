package provider_test

import (
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
)

func TestBucket(t *testing.T) {
	play(t, provider.NewBucket, "", []ruleCase{
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
