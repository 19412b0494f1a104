package valkeystore_test

import (
	"fmt"
	"runtime"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

func rowCut(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	ratio := f.picking(func() {
		for range 15 {
			f.proxies((*servertest.Proxy).CutNextReply)
			pause(200 * time.Millisecond)
		}
	})
	text := f.summary(server.URL(), server) + ratio
	expect(t, "duplicates", f.stats().Duplicates)
	return text
}

func rowZombie(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	ratio := f.picking(func() {
		for range 5 {
			f.proxies((*servertest.Proxy).HoldRequests)
			pause(between(100*time.Millisecond, 1500*time.Millisecond))
			f.proxies((*servertest.Proxy).Heal)
			pause(300 * time.Millisecond)
		}
	})
	text := f.summary(server.URL(), server) + ratio
	expect(t, "in doubt", f.stats().InDoubt)
	return text
}

func rowStopped(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	ratio := f.picking(func() {
		for _, d := range []time.Duration{50 * time.Millisecond, 400 * time.Millisecond, between(50*time.Millisecond, 2*time.Second), 10 * time.Second} {
			server.Stop(t)
			pause(d)
			server.Continue(t)
			pause(300 * time.Millisecond)
		}
	})
	return f.summary(server.URL(), server) + ratio
}

func rowSlow(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	slow := func(delay time.Duration, rate int, d time.Duration) {
		f.proxies(func(p *servertest.Proxy) {
			p.Slow(servertest.ToServer, delay, rate)
			p.Slow(servertest.ToClient, delay, rate)
		})
		pause(d)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ratio := f.picking(func() {
		for range 5 {
			slow(between(10*time.Millisecond, 100*time.Millisecond), 0, time.Second)
		}
	})
	stretched := f.stats().Interval
	if stretched <= 100*time.Millisecond {
		t.Error("the interval did not stretch")
	}
	slow(0, 1024, 5*time.Second)
	slow(0, 0, time.Second)
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := (int64(after.HeapInuse) - int64(before.HeapInuse)) / 1024
	if grown > 16<<10 {
		t.Errorf("the heap grew by %d KB", grown)
	}
	return f.summary(server.URL(), server) + fmt.Sprintf("; interval to %v, heap %+d KB", stretched.Round(time.Millisecond), grown) + ratio
}

// rowPartition cuts nodes off, which then keep to their frozen share, and heals.
func rowPartition(t underTest) string {
	limits := engine.Limits{RPM: 60, TPM: 1 << 40}
	f, server := newFleet(t, limits) // at about 4000 requests a second a deployment is full in a second or two
	servertest.Until(t, "every node knows of the others", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Nodes < fleetSize {
				return false
			}
		}
		return true
	})
	if left := 60 - time.Now().Second(); left < 20 {
		pause(time.Duration(left)*time.Second + 100*time.Millisecond) // all within one minute
	}
	f.gateways[0].proxy.Block(servertest.ToServer)
	f.gateways[0].proxy.Block(servertest.ToClient)
	pause(3 * time.Second)
	f.gateways[1].proxy.Block(servertest.ToClient) // its batches arrive, their replies do not
	pause(3 * time.Second)
	f.proxies((*servertest.Proxy).Heal)
	text := f.summary(server.URL(), server)
	// A node cut off may use its part of what was left at its last reply, which
	// is a quarter of a limit, and half of it at most.
	worst := overLimit(t, f, limits.RPM)
	return text + fmt.Sprintf("; most over a limit of %d: %d", limits.RPM, worst)
}
