package window

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick  = time.Millisecond   // how often Run reads the time
	ahead = int64(time.Second) // how long before an epoch Run notifies; a Timer sleeps no longer at once
	off   = math.MinInt64      // in coarse: Run is not active
)

// Clock is the clock of an engine. No reading is below the beginning of the latest
// epoch that the clock has shown: while its source is below that, readings are that
// beginning. All methods are safe for concurrent use. The zero value is not usable.
//
// Without Run every reading asks the operating system, which costs more than
// anything else in a decision. With Run a reading is one atomic load, and about a
// millisecond old at most.
type Clock struct {
	coarse atomic.Int64              // what Run last read, or off
	_      [56]byte                  // coarse has a cache line of its own: every request reads it
	floor  atomic.Int64              // beginning of the latest epoch shown
	offset atomic.Int64              // what Slew has set, in nanoseconds
	anchor atomic.Pointer[time.Time] // the reading from which the monotonic clock counts on
	source func() time.Time          // of NewClockFrom, or nil

	mu      sync.Mutex // of the fields below
	running bool
	notify  []*func(now int64) bool // by pointers, which can be compared
}

// NewClock returns a clock anchored to the wall clock. It reads the wall clock once and
// then counts on the monotonic clock, so that steps of the wall clock do not disturb
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

// NewClockFrom returns a clock that calls now for the time, for replays, tests
// and scaled time. The function must be safe for concurrent use.
func NewClockFrom(now func() time.Time) *Clock {
	c := &Clock{source: now}
	c.coarse.Store(off)
	c.floor.Store(Start(EpochAt(now().UnixNano())))
	return c
}

// Now returns the time in Unix nanoseconds. While Run is active that is Run's last
// reading, else a fresh one.
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

// enter shows the epoch of now for the first time, and anchors the clock again.
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

// Slew makes the clock show the source's time plus offset from now on. An
// earlier offset is replaced, not added to. A step back ends at the beginning of
// the latest epoch shown. Callers that follow a remote clock move the offset in
// small steps.
func (c *Clock) Slew(offset time.Duration) { c.offset.Store(int64(offset)) }

// Notify registers f. Run calls it with the time, in Unix nanoseconds, about a second
// before each epoch begins and again when the epoch has begun. The function runs on
// Run's goroutine and must be quick. Once it returns false it is not called again.
func (c *Clock) Notify(f func(now int64) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notify = append(c.notify, &f)
}

var errRunning = errors.New("window: the clock is running already; call Run once")

// Run reads the time every millisecond for Now until ctx ends, and calls the functions
// registered by Notify. It blocks, and returns nil when ctx ends. While another call of Run
// is active it returns an error at once. Afterwards readings are fresh again, and Run may
// be called again.
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
			end := Start(EpochAt(now) + 1)
			if due = end - ahead; due <= now {
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
	all := c.notify
	c.mu.Unlock()
	var ended []*func(int64) bool
	for _, f := range all {
		if !(*f)(now) {
			ended = append(ended, f)
		}
	}
	if ended == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notify = slices.DeleteFunc(c.notify, func(f *func(int64) bool) bool { return slices.Contains(ended, f) })
}
