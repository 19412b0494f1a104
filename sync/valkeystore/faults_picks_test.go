package valkeystore_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// picking measures batches of 1000 Picks before a fault and during it, each beside those of an
// engine that shares nothing. It fails the row if a Pick waited for anything, or if their CPU
// time grew: neither depends on how busy the machine is.
func (f *fleet) picking(fault func()) string {
	f.t.Helper()
	const batches = 1000
	before := f.picks(batches)
	runtime.SetBlockProfileRate(1)
	defer runtime.SetBlockProfileRate(0)
	waited := waitedIn(f.t, ".(*Group).Pick")
	done := make(chan struct{})
	go func() {
		defer close(done)
		fault()
	}()
	during := f.picks(batches)
	<-done
	if n := waitedIn(f.t, ".(*Group).Pick") - waited; n > 0 {
		f.t.Errorf("%d Picks waited during the fault", n)
	}
	ratio := during / before
	if ratio > 3 {
		f.t.Errorf("1000 Picks: p99 %.2fx that of an engine alone during the fault, %.2fx before: %.1fx, want at most 3x", during, before, ratio)
	}
	return fmt.Sprintf("; 1000 Picks: p99 %.2fx during it, none waited", ratio)
}

// waitedIn returns how often a goroutine has waited, for a lock, a channel or another
// goroutine, in a function whose name ends so, or in what it calls.
func waitedIn(t testing.TB, function string) (n int64) {
	t.Helper()
	records := make([]runtime.BlockProfileRecord, 1<<16)
	have, ok := runtime.BlockProfile(records)
	if !ok {
		t.Fatalf("%d places where goroutines wait, more than %d", have, len(records))
	}
	for _, r := range records[:have] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var frame runtime.Frame
			if frame, more = frames.Next(); strings.HasSuffix(frame.Function, function) {
				n += r.Count
				break
			}
		}
	}
	return n
}

func percentile(of []float64, p int) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[min(len(of)*p/100, len(of)-1)]
}

// picks returns the p99 of the CPU time of batches of 1000 Picks over that of an engine that
// shares nothing, in turn with it. It is the best of five runs.
func (f *fleet) picks(batches int) float64 {
	f.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	alone, err := engine.New(f.config())
	if err != nil {
		f.t.Fatal(err)
	}
	group, err := alone.Group(groupName)
	if err != nil {
		f.t.Fatal(err)
	}
	best := math.Inf(1)
	for range 5 {
		var took [2][]float64
		for range batches {
			for i, g := range []*engine.Group{f.gateways[0].group, group} {
				began := measure.ThreadTime()
				for range 1000 {
					g.Pick(engine.Demand{InputTokens: 100})
				}
				took[i] = append(took[i], (measure.ThreadTime() - began).Seconds())
			}
		}
		best = min(best, percentile(took[0], 99)/percentile(took[1], 99))
	}
	return best
}

// TestWaitedIn: a wait is found under each function that it is in.
func TestWaitedIn(t *testing.T) {
	runtime.SetBlockProfileRate(1)
	defer runtime.SetBlockProfileRate(0)
	before := waitedIn(t, ".waitsForAnother")
	waitsForAnother()
	if n := waitedIn(t, ".waitsForAnother") - before; n != 1 {
		t.Errorf("%d waits, want 1", n)
	}
}

//go:noinline
func waitsForAnother() {
	c := make(chan struct{})
	go func() { pause(20 * time.Millisecond); close(c) }()
	<-c
}
