package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestCeilingBesideClass: a class's share of the limit and the ceiling are two caps, of
// which the lower one holds; the class takes no part of the ceiling.
func TestCeilingBesideClass(t *testing.T) {
	today := firstMinute.Truncate(24 * time.Hour).Unix()
	share := func(kind window.Kind, start, n int64) window.Share {
		return window.Share{
			Tally:           window.Tally{ID: "a", Kind: kind, Start: start, Requests: n, Tokens: n, Input: n, Output: n},
			CeilingRequests: 10, CeilingTokens: 10, CeilingInput: 10, CeilingOutput: 10,
		}
	}
	minute := func(n int64) window.Share { return share(window.KindMinute, firstMinute.Unix(), n) }
	day := func(n int64) window.Share { return share(window.KindDay, today, n) }
	tests := []struct {
		name   string
		limits engine.Limits
		share  window.Share
		want   int // admitted of class 1, which may fill 80 %
		limit  engine.Limit
	}{
		{"rpm", engine.Limits{RPM: 600}, minute(300), 10, engine.LimitShare},
		{"tpm", engine.Limits{TPM: 600}, minute(300), 10, engine.LimitShare},
		{"input", engine.Limits{InputTPM: 600}, minute(300), 10, engine.LimitShare},
		{"rpd", engine.Limits{RPD: 600}, day(300), 10, engine.LimitShare},
		{"tpd", engine.Limits{TPD: 600}, day(300), 10, engine.LimitShare},
		{"the class's share is nearer", engine.Limits{RPM: 600}, minute(475), 5, engine.LimitRPM},
		{"the class's share of tokens is nearer", engine.Limits{TPM: 600}, minute(475), 5, engine.LimitTPM},
		{"the class's share of a day is nearer", engine.Limits{RPD: 600}, day(475), 5, engine.LimitRPD},
		{"both at once", engine.Limits{RPM: 600}, window.Share{Tally: minute(470).Tally, CeilingRequests: 10}, 10, engine.LimitRPM},
		{"beyond the class's share", engine.Limits{RPM: 600}, minute(500), 0, engine.LimitRPM},
		{"no limit", engine.Limits{}, minute(300), 10, engine.LimitShare},
	}
	for _, test := range tests {
		for _, n := range []int{1, 65} { // searched whole, and by blocks
			t.Run(test.name, func(t *testing.T) {
				cfg := chat(engine.LeastUtilized, 1, test.limits)
				cfg.Deployments = cfg.Deployments[:0]
				for i := range n {
					cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: test.limits})
				}
				cfg.PriorityShare = []float64{1, 0.8}
				e, _ := start(t, cfg)
				g := group(t, e, "chat")
				for i := range n {
					s := test.share
					s.ID = id(i)
					e.Absorb([]window.Share{s})
				}
				admitted := 0
				for {
					_, picked := g.Pick(inClass(1, 1))
					_, ok := g.TryAcquire(inClass(1, 1))
					require.Equal(t, ok, picked)
					if !ok {
						break
					}
					admitted++
				}
				require.Equal(t, test.want*n, admitted)
				before := e.Stats().Refused[test.limit]
				refused := refusal(t, g, inClass(1, 1))
				require.Equal(t, test.limit, refused.Limit)
				if test.name != "both at once" { // what a block remembers of a refusal knows no classes
					require.Equal(t, before+1, e.Stats().Refused[test.limit])
				}
				require.False(t, refused.Never)
				require.Equal(t, test.limit, e.Explain("chat", inClass(1, 1)).Candidates[0].Refused)
			})
		}
	}
}

// TestCeilingRetry: a refusal by a ceiling says when that may be another, not when the
// window ends; one by the limit does not.
func TestCeilingRetry(t *testing.T) {
	for _, test := range []struct {
		name  string
		share window.Share
		after time.Duration
		limit engine.Limit
	}{
		{"with the next window", window.Share{CeilingRequests: 1}, 40 * time.Second, engine.LimitShare},
		{"sooner", window.Share{CeilingRequests: 1, Retry: 3 * time.Second}, 3 * time.Second, engine.LimitShare},
		{"no later than the window's end", window.Share{CeilingRequests: 1, Retry: time.Hour}, 40 * time.Second, engine.LimitShare},
		{"of tokens", window.Share{CeilingTokens: 12, Retry: 3 * time.Second}, 3 * time.Second, engine.LimitShare},
		{"nothing at all", window.Share{CeilingTokens: -1, Retry: time.Second}, time.Second, engine.LimitShare},
		{"the limit is reached too", window.Share{Tally: window.Tally{Requests: 99}, CeilingRequests: 1, Retry: time.Second}, 40 * time.Second, engine.LimitRPM},
		{"below zero", window.Share{CeilingRequests: 1, Retry: -time.Second}, 40 * time.Second, engine.LimitShare},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, one(engine.Limits{RPM: 100, TPM: 1000}))
			g := group(t, e, "chat")
			clock.Advance(20 * time.Second)
			test.share.ID, test.share.Start = "a", firstMinute.Unix()
			if test.share.CeilingTokens >= 0 {
				acquire(t, g, exactly(10))
			}
			e.Absorb([]window.Share{test.share})
			refused := refusal(t, g, exactly(10))
			require.Equal(t, test.limit, refused.Limit)
			require.Equal(t, test.after, refused.RetryAfter)
			require.Equal(t, [2]int64{test.share.CeilingRequests, test.share.CeilingTokens},
				[2]int64{refused.States[0].Limit(engine.LimitRPM).Share, refused.States[0].Limit(engine.LimitTPM).Share})
			require.False(t, ref(t, e, "a").PreCheck(exactly(10)))
			require.EqualValues(t, 2, e.Stats().Refused[test.limit], "counted by the same reason")
		})
	}
}

// TestCeilingInState shows every ceiling of a deployment's windows.
func TestCeilingInState(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPM: 9, TPM: 9, InputTPM: 9, OutputTPM: 9, RPD: 9, TPD: 9}))
	s := window.Share{Tally: window.Tally{ID: "a", Start: firstMinute.Unix()}, CeilingRequests: 1, CeilingTokens: 2, CeilingInput: 3, CeilingOutput: -1}
	e.Absorb([]window.Share{s, {Tally: day(firstMinute.Truncate(24*time.Hour), 0, 0), CeilingRequests: 5, CeilingTokens: 6}})
	shares := func() [6]int64 {
		s := state(t, e, "a")
		return [6]int64{s.Limit(engine.LimitRPM).Share, s.Limit(engine.LimitTPM).Share, s.Limit(engine.LimitInputTPM).Share, s.Limit(engine.LimitOutputTPM).Share, s.Limit(engine.LimitRPD).Share, s.Limit(engine.LimitTPD).Share}
	}
	require.Equal(t, [6]int64{1, 2, 3, -1, 5, 6}, shares())
	clock.Advance(time.Minute)
	require.Equal(t, [6]int64{0, 0, 0, 0, 5, 6}, shares())
}
