package window

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick  = time.Millisecond // how coarse Run makes the clock
	ahead = int64(time.Second)
	off   = math.MinInt64
)

// Clock says which minute it is. It never goes back over the beginning of an
// epoch it has shown: a source that does is answered with that beginning until
// it has caught up. All methods are safe for concurrent use.
//
// Without Run every reading asks the operating system, which costs more than
// anything else in a decision; with Run a reading is one load, at most about a
// millisecond old.
type Clock struct {
	coarse atomic.Int64 // what Run last read, or off
	_      [56]byte
	floor  atomic.Int64 // beginning of the latest epoch shown
	offset atomic.Int64
	anchor atomic.Pointer[time.Time]
	source func() time.Time

	mu      sync.Mutex
	running bool
	notify  []func(now int64) bool
}

// NewClock returns a clock anchored to the wall clock: it reads that once, then
// counts on the monotonic clock, so that steps of the wall clock do not disturb
// a window. At each new epoch it is anchored again, unless the wall clock has
// gone back by a minute or more.
func NewClock() *Clock {
	c := &Clock{}
	now := time.Now()
	c.anchor.Store(&now)
	c.coarse.Store(off)
	c.floor.Store(Start(EpochAt(now.UnixNano())))
	return c
}

// NewClockFrom returns a clock that asks now for the time: for replays, tests
// and scaled time. Now must be safe for concurrent use.
func NewClockFrom(now func() time.Time) *Clock {
	c := &Clock{source: now}
	c.coarse.Store(off)
	c.floor.Store(Start(EpochAt(now().UnixNano())))
	return c
}

// Now returns the time in Unix nanoseconds: Run's last reading while Run is
// active, else a fresh one.
func (c *Clock) Now() int64 {
	if n := c.coarse.Load(); n != off {
		return n
	}
	return c.Read()
}

// Read returns a fresh reading in Unix nanoseconds, whether Run is active or not.
func (c *Clock) Read() int64 {
	now, floor := c.raw()+c.offset.Load(), c.floor.Load()
	switch {
	case now < floor:
		return floor
	case now-floor >= Minute:
		return c.enter(now)
	}
	return now
}

func (c *Clock) raw() int64 {
	if c.source != nil {
		return c.source().UnixNano()
	}
	a := c.anchor.Load()
	return a.UnixNano() + int64(time.Since(*a))
}

// enter shows an epoch for the first time.
func (c *Clock) enter(now int64) int64 {
	start := Start(EpochAt(now))
	for {
		f := c.floor.Load()
		if f >= start {
			return max(now, f)
		}
		if c.floor.CompareAndSwap(f, start) {
			break
		}
	}
	if c.source == nil {
		wall := time.Now()
		if a := c.anchor.Load(); wall.UnixNano()-a.UnixNano()-int64(wall.Sub(*a)) > -Minute {
			c.anchor.Store(&wall)
		}
	}
	return now
}

// Slew makes the clock show the source's time plus offset from now on; an
// earlier offset is replaced, not added to. A step back ends at the beginning of
// the epoch last shown. Callers that follow a remote clock move the offset in
// small steps.
func (c *Clock) Slew(offset time.Duration) { c.offset.Store(int64(offset)) }

// Notify registers f for Run to call about a second before each epoch begins
// and again when it has begun, with the time. F runs on Run's goroutine and
// must be quick; once it returns false it is forgotten.
func (c *Clock) Notify(f func(now int64) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notify = append(c.notify, f)
}

var errRunning = errors.New("window: the clock is running already; call Run once")

// Run makes the clock coarse until ctx ends, and has the next window built ahead of time. It
// blocks, returns nil when ctx ends, and an error at once when the clock is running already.
// Afterwards readings are fresh again, and Run may be called again.
func (c *Clock) Run(ctx context.Context) error {
	c.mu.Lock()
	again := c.running
	c.running = true
	c.mu.Unlock()
	if again {
		return errRunning
	}
	t := time.NewTicker(tick)
	defer func() {
		t.Stop()
		c.coarse.Store(off)
		c.mu.Lock()
		c.running = false
		c.mu.Unlock()
	}()
	var due int64 // when to notify next
	for {
		now := c.Read()
		c.coarse.Store(now)
		if now >= due {
			c.notifyAll(now)
			if end := Start(EpochAt(now) + 1); now < end-ahead {
				due = end - ahead
			} else {
				due = end
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

func (c *Clock) notifyAll(now int64) {
	c.mu.Lock()
	fs := c.notify
	c.mu.Unlock()
	gone := false
	keep := make([]bool, len(fs))
	for i, f := range fs {
		keep[i] = f(now)
		gone = gone || !keep[i]
	}
	if !gone {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	left := make([]func(int64) bool, 0, len(c.notify))
	for i, f := range c.notify {
		if i >= len(keep) || keep[i] {
			left = append(left, f)
		}
	}
	c.notify = left
}
