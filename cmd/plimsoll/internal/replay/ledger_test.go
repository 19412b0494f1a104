package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLedger(t *testing.T) {
	at := func(s int) time.Time { return Start.Add(time.Duration(s) * time.Second) }
	var l ledger
	// end ends an attempt in a minute in which decisions were made before.
	end := func(now, admitted int, reserved, input, output int64) {
		l.end(at(now), at(now).Truncate(time.Minute), at(admitted), reserved, input, output)
	}

	l.admit(at(10), 300, 200)
	l.admit(at(20), 100, 50)
	require.Equal(t, ledger{
		window: at(0), requests: 2, usage: 400, minute: at(0), ended: 250,
		peakRequests: 2, peakUsage: 400, peakEnded: 250,
	}, l)

	// A refund in the minute of admission frees capacity; an overrun takes it.
	end(30, 10, 300, 200, 10)
	require.Equal(t, int64(310), l.usage)
	end(40, 20, 100, 50, 500)
	require.Equal(t, int64(760), l.usage)
	require.Equal(t, int64(760), l.ended)

	// Usage counts as a peak only right after an admission.
	require.Equal(t, int64(400), l.peakUsage)
	require.Equal(t, int64(760), l.peakEnded)

	// The difference of an attempt of the minute before stays there; of an older
	// one only what it cost more comes into this minute.
	l.admit(at(70), 40, 40)
	end(80, 59, 100, 50, 500)
	require.Equal(t, int64(40), l.usage)
	require.Equal(t, int64(540), l.ended)
	end(125, 10, 100, 50, 20)
	require.Equal(t, int64(0), l.usage)
	end(126, 10, 100, 50, 60)
	require.Equal(t, int64(10), l.usage)
	require.Equal(t, int64(2), l.peakRequests)

	// Before the first decision of a minute the minute before is the current one.
	l.end(at(181), at(120), at(60), 100, 50, 60)
	require.Equal(t, int64(10), l.usage)
	require.Equal(t, int64(60), l.ended)
	l.end(at(182), at(120), at(125), 100, 50, 60)
	require.Equal(t, int64(20), l.usage)
	l.admit(at(183), 5, 5)
	require.Equal(t, int64(5), l.usage)
}
