package valkeystore_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

func rowShutdown(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(time.Second)
	up := f.gateways[0].leave()
	n := f.exact(server.URL())
	server.Stop(t)
	f.load()
	pause(300 * time.Millisecond)
	f.gateways[1].idle()
	f.gateways[1].work.Wait()
	began := time.Now()
	f.gateways[1].stop()
	<-f.gateways[1].ended
	away := time.Since(began)
	server.Continue(t)
	if up > 600*time.Millisecond || away > 600*time.Millisecond {
		t.Errorf("stopping took %v with the store, %v without, want at most 500 ms", up, away)
	}
	ttls(t, server)
	return fmt.Sprintf("%d requests exact; stopped within %v, with the store away %v", n, up.Round(time.Millisecond), away.Round(time.Millisecond))
}

func rowJoin(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(time.Second)
	f.rest()
	server.Stop(t)
	early := f.join(server.URL(), 0) // while the store is away
	g := early.group
	if _, ok := g.Pick(engine.Demand{InputTokens: 1}); !ok {
		t.Error("a node that has not met the store picks nothing")
	}
	pause(500 * time.Millisecond)
	server.Continue(t)
	for range 46 {
		f.join(server.URL(), 0)
	}
	f.load()
	began := time.Now()
	servertest.Until(t, "fifty nodes know each other", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Nodes < len(f.gateways) {
				return false
			}
		}
		return true
	})
	met := time.Since(began)
	pause(2 * time.Second)
	text := f.summary(server.URL(), server)
	return text + fmt.Sprintf("; %d nodes met within %v", len(f.gateways), met.Round(100*time.Millisecond))
}

func rowRollover(t underTest) string {
	now := time.Now()
	if left := time.Duration(60-now.Second()) * time.Second; left > 3*time.Second {
		pause(left - 3*time.Second)
	}
	f, server := newFleet(t, engine.Limits{})
	boundary := time.Unix(begin()+60, 0)
	pause(time.Until(boundary.Add(-300 * time.Millisecond)))
	server.Stop(t)
	pause(time.Until(boundary.Add(700 * time.Millisecond)))
	server.Continue(t)
	pause(time.Second)
	text := f.summary(server.URL(), server)
	var old int64
	for p, sum := range own(f.gateways...) {
		if p.start < boundary.Unix() {
			old += sum.Requests
		}
	}
	expect(t, "requests in the minute that ended", old)
	return text + fmt.Sprintf("; %d of them in the minute that ended", old)
}

func rowLimit(t underTest) string {
	limits := engine.Limits{RPM: 1_000_000}
	f, server := newFleet(t, limits)
	pause(time.Second)
	apply := func(rpm int64) {
		f.limits.RPM = rpm
		for _, g := range f.gateways {
			cfg := f.config()
			if err := g.engine.Apply(cfg); err != nil {
				t.Fatal(err)
			}
		}
	}
	apply(1)
	pause(200 * time.Millisecond)
	low := requests(own(f.gateways...))
	pause(time.Second)
	if second := time.Now().Second(); second > 1 {
		if more := requests(own(f.gateways...)) - low; more > 0 && time.Now().Second() >= second {
			t.Errorf("%d requests were admitted above a lowered limit", more)
		}
	}
	apply(1_000_000)
	f.join(server.URL(), 0) // N changes too
	f.gateways[0].leave()
	pause(time.Second)
	if requests(own(f.gateways...)) <= low {
		t.Error("nothing was admitted after the limit was raised")
	}
	return f.summary(server.URL(), server)
}
