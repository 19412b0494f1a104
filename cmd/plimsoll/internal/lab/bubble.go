package lab

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bubble calls f with a virtual clock of package time that begins at [Start]: it moves on
// when every goroutine that f started is blocked. The engine's queue, which waits on timers
// and channels, is driven by it without a change. Package synctest is made for tests and
// takes a [testing.T], of which it uses nothing else here; TestBubble fails if that changes.
func bubble(f func()) { synctest.Test(new(testing.T), func(*testing.T) { f() }) }

// waits are the calls that wait for an admission, each in a goroutine.
type waits struct {
	mu    sync.Mutex
	ended []ended
	open  int // calls that have not been handed over yet
	wake  chan struct{}
	wakes []func() // that engines have asked for and settle has not done yet
	asks  []func() // let a node whose waiters lack a grant ask the store for one
}

// ended is a wait that has ended.
type ended struct {
	number  uint64
	attempt Attempt
	answer  func(Attempt)
}

// wait lets a call wait for at most the world's time. It returns once the call waits, so that
// calls of one instant join the queue in their order.
func (s *simulation) wait(number uint64, admit func(context.Context) Attempt, answer func(Attempt)) {
	w := &s.waits
	w.open++
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.world.Wait+apart(number))
		a := admit(ctx)
		cancel()
		w.mu.Lock()
		w.ended = append(w.ended, ended{number, a, answer})
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}()
	s.settle()
}

// wakeLater returns an [engine.Config.Wake] for an engine with one group: it leaves waking
// a waiter to settle. Were waiters woken while the engine is in the middle of a step, what
// they find would depend on how goroutines are scheduled.
func (s *simulation) wakeLater() func(wake func()) {
	w, asked := &s.waits, false
	return func(wake func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if asked {
			return
		}
		asked = true
		w.wakes = append(w.wakes, func() {
			w.mu.Lock()
			asked = false
			w.mu.Unlock()
			wake()
		})
	}
}

// settle returns once nothing happens any more at this instant. It wakes the waiters for
// which there may be headroom, one after the other. Without a bubble there are none.
func (s *simulation) settle() {
	w := &s.waits
	if w.wake == nil {
		return
	}
	for {
		synctest.Wait()
		w.mu.Lock()
		wakes := w.wakes
		w.wakes = nil
		w.mu.Unlock()
		if len(wakes) == 0 {
			return
		}
		for _, wake := range wakes {
			wake()
			synctest.Wait()
		}
	}
}

// apart returns a time below a millisecond, another one for each of many calls. In a bubble
// it is random which of two timers of one instant fires first; with it, there are no such two.
func apart(number uint64) time.Duration { return time.Duration(1 + number*7919%999_983) }

// deliver hands over the waits that have ended, in the order of the calls. False: none had.
func (s *simulation) deliver() bool {
	s.settle()
	w := &s.waits
	for _, ask := range w.asks {
		ask()
	}
	w.mu.Lock()
	list := w.ended
	w.ended = nil
	w.mu.Unlock()
	slices.SortStableFunc(list, func(a, b ended) int { return cmp.Compare(a.number, b.number) })
	for _, e := range list {
		w.open--
		e.answer(e.attempt)
	}
	return len(list) > 0
}

// loopVirtual is loop in a bubble: waits may end between two events.
func (s *simulation) loopVirtual(ctx context.Context) error {
	s.waits.wake = make(chan struct{}, 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for s.waits.open > 0 && s.deliver() {
		}
		at, ok := s.events.next()
		switch {
		case !ok && s.waits.open == 0:
			return nil
		case ok && at <= s.now:
			s.events.take().do()
			continue
		case ok:
			timer.Reset(time.Duration(at - s.now))
		default:
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-s.waits.wake:
		}
		s.now = time.Now().UnixNano()
	}
}
