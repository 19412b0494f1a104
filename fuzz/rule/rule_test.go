package rule_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

const begun = int64(1_700_000_000_000_000_000)

// The waits that providers have printed, against what the rule says.
func TestBucketWaitsAsObserved(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name                   string
		limit, used, requested int64
		period                 time.Duration
		want                   time.Duration
	}{
		{"gpt-4o-mini, 50000 a minute", 50000, 47949, 3006, 0, 1146 * time.Millisecond},
		{"gpt-4o-mini, 200000 a minute", 200000, 195869, 4412, 0, 84 * time.Millisecond},
		{"gpt-5.1, 30000 a minute", 30000, 22999, 12528, 0, 11054 * time.Millisecond},
		{"llama3-70b on Groq, in debt", 5000, 5747, 4251, 0, 59977 * time.Millisecond},
		{"Groq, tokens until full", 8000, 8000 - 7927, 8000, 0, 547 * time.Millisecond},
		{"Groq, requests of a day until full", 1000, 1000 - 998, 1000, day, 172800 * time.Millisecond},
		{"three requests a minute, the fourth", 3, 3, 1, 0, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := rule.Bucket{Limit: tt.limit, Period: int64(tt.period)}
			b.Add(begun, tt.used)
			wait, never := b.Wait(begun, tt.requested)
			if diff := (time.Duration(wait) - tt.want).Abs(); diff > time.Millisecond || never {
				t.Errorf("wait = %v (never %v), want %v within 1ms", time.Duration(wait), never, tt.want)
			}
		})
	}
}

// After a wait the amount fits, and one nanosecond before it does not.
func TestWaitsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		limit := 1 + rnd.Int64N(300_000)
		used, n := rnd.Int64N(2*limit), 1+rnd.Int64N(limit)
		now := begun + rnd.Int64N(int64(time.Hour))
		phase := rnd.Int64N(int64(time.Minute))
		for name, made := range map[string]func() ruled{
			"minute": func() ruled { return &rule.FixedWindow{Limit: limit, Phase: phase} },
			"bucket": func() ruled { return &rule.Bucket{Limit: limit} },
		} {
			before, after := made(), made()
			before.Add(now, used)
			after.Add(now, used)
			wait, never := after.Wait(now, n)
			if never || !after.Take(now+wait, n) {
				t.Fatalf("%s of %d, %d used: %d does not fit after %d ns", name, limit, used, n, wait)
			}
			if wait > 0 && before.Take(now+wait-1, n) {
				t.Fatalf("%s of %d, %d used: %d fits 1 ns before %d ns", name, limit, used, n, wait)
			}
		}
	}
}

type ruled interface {
	Take(now, n int64) bool
	Add(now, n int64)
	Wait(now, n int64) (int64, bool)
}

func TestFixedWindowBeginsAtItsPhase(t *testing.T) {
	second := int64(time.Second)
	m := rule.FixedWindow{Limit: 10, Phase: 25 * second}
	start := int64(28_333_333) * int64(time.Minute)
	if !m.Take(start+24*second, 10) || m.Take(start+25*second-1, 1) {
		t.Error("the minute must hold 10 until its phase")
	}
	if !m.Take(start+25*second, 10) {
		t.Error("the minute begins again at its phase")
	}
	if _, never := m.Wait(start+26*second, 11); !never {
		t.Error("11 of 10 never fit")
	}
}
