package trace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func at(arrivals ...time.Duration) trace.Trace {
	t := make(trace.Trace, len(arrivals))
	for i, a := range arrivals {
		t[i] = trace.Request{Arrival: a, Input: 10, Output: 5}
	}
	return t
}

func TestWarp(t *testing.T) {
	const century = 100 * 365 * 24 * time.Hour
	for _, tt := range []struct {
		name string
		in   trace.Trace
		to   time.Duration
		want trace.Trace
	}{
		{"stretch", at(0, 1, 4), 8, at(0, 2, 8)},
		{"squeeze", at(0, 50, 100), 10, at(0, 5, 10)},
		{"same", at(0, 3, 7), 7, at(0, 3, 7)},
		{"to nothing", at(0, 3, 7), 0, at(0, 0, 0)},
		{"beyond 64 bits in between", at(0, century/2, century), 2 * century, at(0, century, 2*century)},
		{"all at once", at(0, 0), time.Hour, at(0, 0)},
		{"empty", nil, time.Hour, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Warp(tt.to)
			require.Equal(t, tt.want, tt.in)
		})
	}
}

func TestTokensAndDuration(t *testing.T) {
	require.Equal(t, int64(45), at(0, 1, 2).Tokens())
	require.Equal(t, time.Duration(2), at(0, 1, 2).Duration())
	require.Zero(t, trace.Trace(nil).Duration())
}
