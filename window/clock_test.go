package window_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// source is a settable time source.
type source struct{ ns atomic.Int64 }

func at(t time.Time) *source {
	s := &source{}
	s.ns.Store(t.UnixNano())
	return s
}

func (s *source) now() time.Time       { return time.Unix(0, s.ns.Load()) }
func (s *source) step(d time.Duration) { s.ns.Add(int64(d)) }
func noon() time.Time                  { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
func read(c *window.Clock) time.Time   { return time.Unix(0, c.Read()).UTC() }
func after(d time.Duration) time.Time  { return noon().Add(d) }
func seconds(n float64) time.Duration  { return time.Duration(n * float64(time.Second)) }
func clockOf(s *source) *window.Clock  { return window.NewClockFrom(s.now) }

func TestClockNeverGoesBackOverAnEpoch(t *testing.T) {
	type step struct {
		by   time.Duration // of the source
		slew time.Duration // the offset from now on
		want time.Duration // after noon
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"a step back within the minute is followed", []step{{seconds(30), 0, seconds(30)}, {-seconds(10), 0, seconds(20)}}},
		{"a step back stops at the minute's beginning", []step{
			{seconds(10), 0, seconds(10)}, {-seconds(20), 0, 0}, {seconds(15), 0, seconds(5)},
		}},
		{"a step back stops at the beginning of the latest minute shown", []step{
			{seconds(70), 0, seconds(70)}, {-seconds(20), 0, seconds(60)}, {seconds(9), 0, seconds(60)}, {seconds(2), 0, seconds(61)},
		}},
		{"an offset moves the clock", []step{{seconds(10), seconds(2), seconds(12)}, {seconds(10), seconds(2), seconds(22)}}},
		{"an offset replaces the one before", []step{{seconds(10), seconds(2), seconds(12)}, {0, seconds(3), seconds(13)}, {0, 0, seconds(10)}}},
		{"an offset can open the next minute", []step{{seconds(59), seconds(2), seconds(61)}}},
		{"an offset taken back does not close that minute again", []step{{seconds(59), seconds(2), seconds(61)}, {0, 0, seconds(60)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := at(noon())
			clock := clockOf(s)
			for i, st := range c.steps {
				s.step(st.by)
				clock.Slew(st.slew)
				require.Equal(t, after(st.want), read(clock), "step %d", i)
				require.Equal(t, clock.Read(), clock.Now(), "without Run, Now is fresh")
			}
		})
	}
}

func TestClockIsAnchored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := window.NewClock()
		for range 5 {
			require.Equal(t, time.Now().UnixNano(), clock.Read())
			time.Sleep(37 * time.Second) // virtual
		}
	})
}

func TestRunMakesTheClockCoarse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := window.NewClock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- clock.Run(ctx) }()
		synctest.Wait()
		require.Error(t, clock.Run(ctx), "one Run at a time")

		first := clock.Now()
		time.Sleep(300 * time.Microsecond)
		require.Equal(t, first, clock.Now(), "coarse")
		require.Equal(t, first+300_000, clock.Read(), "Read is not")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, first+1_000_000, clock.Now())

		cancel()
		require.NoError(t, <-done)
		time.Sleep(time.Hour)
		require.Equal(t, time.Now().UnixNano(), clock.Now(), "fresh again after Run")

		ctx, cancel = context.WithCancel(t.Context())
		go func() { done <- clock.Run(ctx) }()
		cancel()
		require.NoError(t, <-done, "Run may be called again")
	})
}

func TestRunNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at a full minute
		clock := window.NewClock()
		begin := clock.Read()
		var stays, leaves []time.Duration
		clock.Notify(func(now int64) bool { stays = append(stays, time.Duration(now-begin)); return true })
		clock.Notify(func(now int64) bool { leaves = append(leaves, time.Duration(now-begin)); return len(leaves) < 2 })
		ctx, cancel := context.WithTimeout(t.Context(), 125*time.Second)
		defer cancel()
		require.NoError(t, clock.Run(ctx))
		want := []time.Duration{0, 59 * time.Second, time.Minute, 119 * time.Second, 2 * time.Minute}
		require.Equal(t, want, stays)
		require.Equal(t, want[:2], leaves, "not called again once it has returned false")
	})
}

// TestClockUnderLoad: no goroutine reads an epoch below one that it has read before.
func TestClockUnderLoad(t *testing.T) {
	s := at(noon())
	clock := clockOf(s)
	var stop atomic.Bool
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for i := range 20_000 {
			s.step(time.Duration(i%7-2) * 10 * time.Second)
		}
		stop.Store(true)
	}()
	back := make(chan int, 4)
	for range 4 {
		go func() {
			n, last := 0, clock.Read()
			for !stop.Load() {
				now := clock.Read()
				if window.EpochAt(now) < window.EpochAt(last) {
					n++
				}
				last = now
			}
			back <- n
		}()
	}
	<-moved
	for range 4 {
		require.Zero(t, <-back)
	}
}
