package provider_test

import (
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
)

func TestSliding(t *testing.T) {
	play(t, provider.NewSliding, "", []ruleCase{
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
