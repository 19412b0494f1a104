package syncer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// TestUnreceivedOnce: of a window that is over, each part of the usage counts as dropped once.
func TestUnreceivedOnce(t *testing.T) {
	d := &deployment{id: "a"}
	s := &Syncer{deployments: map[string]*deployment{"a": d}}
	d.forget(&usage{d: d, start: 60, own: Count{Requests: 5}})
	for _, test := range []struct{ own, more int64 }{{7, 2}, {7, 0}, {9, 2}} {
		r := window.Report{Tally: window.Tally{ID: "a", Start: 60, Requests: test.own}}
		require.Equal(t, Count{Requests: test.more}, s.unreceived(&r))
	}
}

// TestCoolingOver: the end of a cooldown that has passed is not reported.
func TestCoolingOver(t *testing.T) {
	c := cooling{own: 2000}
	require.EqualValues(t, 2000, c.unsent(1999e6))
	require.Zero(t, c.unsent(2000e6))
}

// TestReceivedLimitIsNotReported: a limit that another node has reported is not sent again by this one.
func TestReceivedLimitIsNotReported(t *testing.T) {
	s, err := New(plain{}, oneBucket{}, Config{})
	require.NoError(t, err)
	id := window.LimitID("tpm", 3000, "a")
	now := int64(60e9)
	for _, id := range []string{id, "a"} {
		s.applyCooling([]window.Tally{{ID: id, CoolUntil: 300_000}}, now)
		s.deployments[id].cool.own = 300_000
	}
	require.Zero(t, s.deployments[id].cool.unsent(now))
	require.NotZero(t, s.deployments["a"].cool.unsent(now), "a cooldown, which this node has found too, is")
}

// TestEpochsRarer: epochs that a node enters within a minute are further and further apart, and nothing of a
// window's place in the batches of one counts in the next.
func TestEpochsRarer(t *testing.T) {
	s, err := New(plain{}, oneBucket{}, Config{})
	require.NoError(t, err)
	b := s.bucket(0)
	d := s.deployment("a")
	u := d.open(window.KindMinute, 0)
	now := int64(time.Second)
	for epoch, gap := range []time.Duration{shortestEpoch, 2 * shortestEpoch, 4 * shortestEpoch, longestEpoch, longestEpoch} {
		u.seq, u.read = 1, 1
		d.slices = new(sliceTotals)
		s.begin(b, &Reply{Epoch: uint64(epoch + 1)}, now)
		require.Equal(t, gap, b.gap)
		require.Zero(t, u.seq)
		require.Zero(t, u.read)
		require.Nil(t, d.slices)
		now += int64(time.Second)
	}
	s.begin(b, &Reply{Epoch: 9}, now+int64(time.Minute))
	require.Equal(t, shortestEpoch, b.gap)
}

// TestReturnsAfterAClockStep: rounds that return a fragment begin also after the clock was set back.
func TestReturnsAfterAClockStep(t *testing.T) {
	b := newBucket(0)
	b.base = 100 * time.Millisecond
	now := int64(time.Hour)
	for range 4 {
		require.True(t, b.mayReturn(now))
	}
	require.False(t, b.mayReturn(now))
	require.True(t, b.mayReturn(now-int64(time.Minute)))
}

// TestAttemptsToBeginAnEpoch: an attempt is made twice before the next one has another Seq, and a store that
// is back in the epoch of this node is not asked to leave an older one.
func TestAttemptsToBeginAnEpoch(t *testing.T) {
	s, err := New(plain{}, oneBucket{}, Config{})
	require.NoError(t, err)
	b := s.bucket(0)
	b.met, b.epoch, b.lost, b.seen = true, 9000, true, 5000
	var seqs []uint64
	for range 3 {
		x := b.raise(1, false)
		seqs = append(seqs, x.seq)
		require.EqualValues(t, 5000, x.epoch)
		s.resolveEpoch(b, x, &Reply{Epoch: 5000, Duplicate: true}, 1)
	}
	require.Equal(t, []uint64{0, 0, 1}, seqs)
	s.resolveEpoch(b, b.raise(1, false), &Reply{Epoch: 9000, Duplicate: true}, 1)
	require.EqualValues(t, 9000, b.raise(1, false).epoch)
	require.Equal(t, uint64(2), b.raise(1, false).seq)
}

// TestBatchSize: deltas and reads of a batch are at most batchSize together.
func TestBatchSize(t *testing.T) {
	s, err := New(plain{}, oneBucket{}, Config{})
	require.NoError(t, err)
	b, now := s.bucket(0), s.clock.Read()
	epoch := window.EpochAt(now)
	for i := range batchSize {
		d := s.deployment(string(rune('a' + i)))
		d.seen, d.limits = epoch, Count{Requests: 10}
		for _, kind := range []window.Kind{window.KindHour, window.KindDay} {
			d.long[kind] = longLimits{listed: true, limits: Count{Requests: 10}}
		}
		if i < batchSize/2 {
			d.open(window.KindMinute, window.StartSeconds(epoch)).own = Count{Requests: 1}
		}
	}
	x := s.build(b, now)
	require.Len(t, x.deltas, batchSize/2)
	require.Len(t, x.usages, batchSize)
}

// plain is a source without usage.
type plain struct{}

func (plain) Collect(dst []window.Report) []window.Report { return dst }
func (plain) Absorb([]window.Share)                       {}

// oneBucket is a store that replies to nothing.
type oneBucket struct{}

func (oneBucket) Bucket(string) int { return 0 }

func (oneBucket) Exchange(context.Context, Batch, *Reply) error { return errReply }

// withAccount returns a syncer, a bucket and the current minute of a deployment with a limit of 10 requests,
// of which 5 wait for a grant.
func withAccount(t *testing.T) (*Syncer, *bucket, *usage, int64) {
	t.Helper()
	s, err := New(plain{}, oneBucket{}, Config{})
	require.NoError(t, err)
	d, now := s.deployment("a"), s.clock.Read()
	d.limits, d.demand.of[0].waiting = Count{Requests: 10}, 5
	u := d.open(window.KindMinute, window.StartSeconds(window.EpochAt(now)))
	u.accounts[0] = new(account)
	return s, s.bucket(0), u, now
}

// TestNobodyAsksTooEarly: a node asks for nothing while a new epoch grants nothing, and while its store is
// away.
func TestNobodyAsksTooEarly(t *testing.T) {
	s, b, u, now := withAccount(t)
	require.Equal(t, [4]int64{5}, s.asks(b, u, now))
	b.opens = now + 1
	require.Zero(t, s.asks(b, u, now))
	b.opens, b.away = now, true
	require.Zero(t, s.asks(b, u, now))
}

// TestLeavingTakesNothing: a node that leaves returns what it has asked for, whatever is left.
func TestLeavingTakesNothing(t *testing.T) {
	for leaving, granted := range map[bool]int64{false: 5, true: 0} {
		s, b, u, now := withAccount(t)
		s.leaving = leaving
		a := u.accounts[0]
		require.EqualValues(t, 5, a.Send(5))
		a.Applied()
		s.learnExact(b, u, Count{Requests: 5}, &Reply{}, now)
		require.Equal(t, granted, a.Granted())
		require.Equal(t, leaving, a.Due())
	}
}

// TestRefusedAgain: the latest reply to a batch that is sent again replaces what the one before refused.
func TestRefusedAgain(t *testing.T) {
	s, _, u, now := withAccount(t)
	u.acked = Count{Requests: 3}
	x := &sent{}
	refused := []window.Tally{Count{Requests: 3}.tally(u)}
	for range 2 {
		s.refuse(x, refused, now)
		require.Equal(t, Count{Requests: 3}, u.refused)
		require.Zero(t, u.acked)
	}
	s.refuse(x, nil, now)
	require.Zero(t, u.refused)
	require.Equal(t, Count{Requests: 3}, u.acked)
	require.Equal(t, Count{Requests: 3}, s.stats.Refused)
}
