package engine_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// counted returns how much a demand of one input and one output token counts in a quantity.
func counted(q provider.Quantity) int64 {
	if q == provider.Tokens {
		return 2
	}
	return 1
}

// figures are the field of a report, with its limit, and the field of a share for a quantity;
// nil for calls in flight, which nodes do not share.
func figures(q provider.Quantity, r *window.Report, s *window.Share) (used, limit, remote *int64) {
	switch q {
	case provider.Requests:
		return &r.Requests, &r.RequestLimit, &s.Requests
	case provider.Tokens:
		return &r.Tokens, &r.TokenLimit, &s.Tokens
	case provider.InputTokens:
		return &r.Input, &r.InputLimit, &s.Input
	case provider.OutputTokens:
		return &r.Output, &r.OutputLimit, &s.Output
	default:
		return nil, nil, nil
	}
}

// TestEveryKindOfLimit: each row of the table refuses, says how long, is shown, and follows
// another configuration. Over minutes, hours and days it is reported to other nodes and
// counts what they report; over hours and days it survives a restart.
func TestEveryKindOfLimit(t *testing.T) {
	for kind := range provider.AllLimits() {
		t.Run(kind.String(), func(t *testing.T) {
			per, cost := kind.Per(), counted(kind.Counts())
			with := func(calls int64) engine.Config {
				var l engine.Limits
				*l.Of(kind) = calls * cost
				return one(l)
			}
			e, clock := start(t, with(4))
			g := group(t, e, "chat")
			acquire(t, g, split(1, 1))
			if per != provider.AtOnce {
				shareOne(t, e, kind, 4*cost, cost)
				acquire(t, g, split(1, 1))
			} else {
				acquire(t, g, split(1, 1))
				acquire(t, g, split(1, 1))
			}
			acquire(t, g, split(1, 1))
			refused := refusal(t, g, split(1, 1))
			require.Equal(t, kind, refused.Limit)
			shown := state(t, e, "a").Limit(kind)
			require.Equal(t, 4*cost, shown.Used)
			require.Equal(t, 4*cost, shown.Max)

			require.Positive(t, refused.RetryAfter)
			require.NoError(t, e.Apply(with(5)))
			acquire(t, g, split(1, 1))
			require.Equal(t, kind, refusal(t, g, split(1, 1)).Limit)
			if per == provider.AtOnce {
				return
			}
			if per != provider.PerMinute {
				var kept bytes.Buffer
				require.NoError(t, e.Snapshot(&kept))
				next, _ := startAt(t, clock.Now(), with(6))
				require.NoError(t, next.Restore(&kept))
				require.Equal(t, 5*cost, state(t, next, "a").Limit(kind).Used, "after a restart")
			}
			clock.Advance(refused.RetryAfter)
			acquire(t, g, split(1, 1))
		})
	}
}

// shareOne finds the report that carries the limit with the usage of one call, and absorbs as
// much from another node in the same window.
func shareOne(t *testing.T, e *engine.Engine, kind engine.Limit, most, used int64) {
	t.Helper()
	reports := e.Collect(nil)
	for i := len(reports) - 1; i >= 0; i-- { // the current window is behind the previous one
		r := &reports[i]
		s := window.Share{Tally: window.Tally{ID: r.ID, Kind: r.Kind, Start: r.Start, Requests: -1, Tokens: -1, Input: -1, Output: -1}}
		own, limit, remote := figures(kind.Counts(), r, &s)
		if *limit != most {
			continue
		}
		require.Equal(t, used, *own)
		*remote = used
		e.Absorb([]window.Share{s})
		require.Equal(t, used, state(t, e, "a").Limit(kind).Remote)
		return
	}
	require.Fail(t, "no report has the limit: nodes do not share it")
}
