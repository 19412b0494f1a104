package valkeystore_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// offset is how far a clock is off, in nanoseconds.
type offset struct{ atomic.Int64 }

func (o *offset) set(d time.Duration) { o.Store(int64(d)) }
func (o *offset) now() time.Time      { return time.Now().Add(time.Duration(o.Load())) }

// timeReply is what a server answers to TIME.
var timeReply = regexp.MustCompile(`\*2\r\n\$10\r\n(\d{10})\r\n\$\d\r\n(\d{1,6})\r\n`)

// shift has TIME's replies show another clock than the server's.
func (o *offset) shift(reply []byte) []byte {
	m := timeReply.FindSubmatchIndex(reply)
	if m == nil || o.Load() == 0 {
		return reply
	}
	seconds, _ := strconv.ParseInt(string(reply[m[2]:m[3]]), 10, 64) // digits
	micros, _ := strconv.ParseInt(string(reply[m[4]:m[5]]), 10, 64)
	at := time.Unix(seconds, micros*1000).Add(time.Duration(o.Load()))
	text := strconv.Itoa(at.Nanosecond() / 1000)
	shifted := fmt.Appendf(nil, "*2\r\n$10\r\n%d\r\n$%d\r\n%s\r\n", at.Unix(), len(text), text)
	return bytes.Join([][]byte{reply[:m[0]], shifted, reply[m[1]:]}, nil)
}

// neverBack fails the test if a node's clock goes back to an epoch that was
// over, until the function it returns is called.
func neverBack(t testing.TB, clocks ...*window.Clock) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		latest := make([]int64, len(clocks))
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for {
			for i, c := range clocks {
				epoch := window.EpochAt(c.Read())
				if epoch < latest[i] {
					t.Errorf("the clock of node %d went from epoch %d back to %d", i, latest[i], epoch)
				}
				latest[i] = epoch
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() { close(done); watching.Wait() }
}

// rowClocks has nodes half a second off either way, one that steps and one that
// drifts, and a store whose clock steps, all around the end of a minute.
func rowClocks(t underTest) string {
	if left := 60 - time.Now().Second(); left < 6 {
		pause(time.Duration(left) * time.Second)
	}
	pause(time.Until(time.Unix(begin()+60, 0).Add(-5 * time.Second)))
	boundary := time.Unix(begin()+60, 0)
	limits := engine.Limits{RPM: 60}
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: fleetCounts, limits: limits}
	var store, steps offset
	began := time.Now()
	sources := []func() time.Time{
		func() time.Time { return time.Now().Add(-500 * time.Millisecond) },
		func() time.Time { return time.Now().Add(500 * time.Millisecond) },
		steps.now,
		func() time.Time { return time.Now().Add(time.Since(began) / 200) }, // 5 ms a second
	}
	var clocks []*window.Clock
	for _, source := range sources {
		proxy := servertest.NewProxy(t, server.Addr())
		proxy.RewriteReplies(store.shift)
		clock := window.NewClockFrom(source)
		f.joinWith(open(t, proxy.URL(), valkeystore.Config{}), clock)
		clocks = append(clocks, clock)
	}
	f.load()
	stop := neverBack(t, clocks...)
	for _, at := range []struct {
		when time.Duration // after the minute's end
		of   *offset
		to   time.Duration
	}{
		{-3 * time.Second, &steps, 400 * time.Millisecond},
		{-1 * time.Second, &store, 400 * time.Millisecond},
		{100 * time.Millisecond, &steps, -400 * time.Millisecond}, // into the minute before
		{200 * time.Millisecond, &store, -400 * time.Millisecond},
		{2 * time.Second, &steps, 0},
		{2 * time.Second, &store, 0},
	} {
		pause(time.Until(boundary.Add(at.when)))
		at.of.set(at.to)
	}
	pause(4 * time.Second)
	text := f.summary(server.URL(), server)
	stop()
	worst := overLimit(t, f, limits.RPM)
	windows := map[string]bool{}
	keys, _ := server.Do(t, "KEYS", counters(t, server)+"*").([]any)
	for _, key := range keys {
		text := key.(string)
		windows[text[strings.LastIndexByte(text, ':')+1:]] = true
	}
	if len(windows) != 2 || !windows[strconv.FormatInt(boundary.Unix(), 10)] {
		t.Errorf("windows %v, want the minute that ended at %d and the next", windows, boundary.Unix())
	}
	furthest := time.Duration(0)
	for _, clock := range clocks {
		furthest = max(furthest, time.Duration(clock.Read()-time.Now().UnixNano()).Abs())
	}
	return text + fmt.Sprintf("; %d windows; most over a limit of %d: %d; furthest from the store's clock in the end: %v",
		len(windows), limits.RPM, worst, furthest.Round(time.Millisecond))
}

// overLimit returns by how much all nodes together passed the request limit of
// any deployment. At ten requests a second from each node for each deployment a
// few are unseen at a time: half of the limit is far too many.
func overLimit(t testing.TB, f *fleet, limit int64) (worst int64) {
	t.Helper()
	for _, sum := range own(f.gateways...) {
		worst = max(worst, sum.Requests-limit)
	}
	if worst > limit/2 {
		t.Errorf("%d requests over a limit of %d", worst, limit)
	}
	return worst
}
