package syncer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// hasty is a source that admits 3 requests just before a lower ceiling reaches it.
type hasty struct {
	own   int64
	hurry bool
	start int64
}

func (h *hasty) Collect(dst []window.Report) []window.Report {
	r := window.Report{Tally: window.Tally{ID: "a", Start: h.start, Requests: h.own}}
	r.RequestLimit = 100
	return append(dst, r)
}

func (h *hasty) Absorb(shares []window.Share) {
	if h.hurry {
		h.own, h.hurry = h.own+3, false
	}
}

func (h *hasty) List(dst []window.Report) []window.Report { return dst }
func (h *hasty) Short() <-chan struct{}                   { return nil }
func (h *hasty) GrantWithin(time.Duration)                {}
func (h *hasty) Want(dst []window.Want) []window.Want     { return dst }

// TestLoweredGrantIsLookedAtAgain: what the source admits until it has a lower ceiling is not returned.
func TestLoweredGrantIsLookedAtAgain(t *testing.T) {
	now := time.Unix(1_000_000_030, 0)
	h := &hasty{own: 10, start: 1_000_000_020}
	require.EqualValues(t, 1_000_000_020, window.StartSeconds(window.EpochAt(now.UnixNano())))
	s, err := New(h, oneBucket{}, Config{Mode: Escrow, Clock: window.NewClockFrom(func() time.Time { return now })})
	require.NoError(t, err)
	s.collect()
	u := s.deployments["a"].window(window.KindMinute, h.start)
	a := u.accounts[0]
	a.Send(20)
	a.Applied()
	a.Total(100, 30, true)
	s.grant(s.bucket(0), u, now.UnixNano())
	require.EqualValues(t, 30, a.Granted())
	now = now.Add(100 * time.Millisecond)
	h.hurry = true
	s.leaving = true
	s.collect() // lowers the grant to what is used
	require.False(t, h.hurry)
	require.EqualValues(t, 13, a.Granted())
	require.EqualValues(t, 13-30, a.Send(0), "what is used stays in the counter")
}
