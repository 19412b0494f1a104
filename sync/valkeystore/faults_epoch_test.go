package valkeystore_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// rowEpochDeleted deletes the key that says which epoch counts, and nothing else.
func rowEpochDeleted(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	for range 4 {
		pause(time.Second)
		server.Do(t, "DEL", "plimsoll2:{default.0}:e")
	}
	pause(time.Second)
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

// useAll uses every deployment on every node.
func (f *fleet) useAll() {
	f.t.Helper()
	for _, g := range f.gateways {
		for _, d := range f.config().Deployments {
			ref, err := g.engine.Ref(d.ID)
			if err != nil {
				f.t.Fatal(err)
			}
			ref.PreCheck(engine.Demand{})
			ref.Record(engine.Usage{InputTokens: 10})
		}
	}
}

// rowLossAtSize loses 1.5 s of acknowledged writes while 10,000 deployments are busy.
func rowLossAtSize(t underTest) string {
	const many = 10_000
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: many}
	f.start(fleetSize, server.Addr())
	f.settled()
	f.useAll()
	pause(3 * time.Second)
	server.Do(t, "SAVE")
	f.useAll()
	pause(1500 * time.Millisecond)
	server.Kill(t)
	server.Run(t)
	server.Await(t)
	pause(2 * time.Second)
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	used := map[string]bool{}
	for p, sum := range own(f.gateways...) {
		if sum.Requests > 0 {
			used[p.id] = true
		}
	}
	return text + fmt.Sprintf("; %d of %d deployments used", len(used), many)
}

// rowJoiner has a node join when the limits are used up, and be asked at once.
func rowJoiner(t underTest) string {
	limits := engine.Limits{RPM: 60}
	if left := 60 - time.Now().Second(); left < 15 {
		pause(time.Duration(left)*time.Second + 100*time.Millisecond) // all within one minute
	}
	f, server := newFleet(t, limits)
	pause(3 * time.Second)
	f.rest()
	full := requests(own(f.gateways...))
	if full < fleetCounts*limits.RPM {
		t.Errorf("%d requests, want all that the limits allow", full)
	}
	var got, asked int64
	for range 3 {
		joined := f.join(server.URL(), 0)
		for began := time.Now(); time.Since(began) < time.Second; asked++ {
			if lease, ok := joined.group.TryAcquire(engine.Demand{InputTokens: 1, OutputTokens: engine.NoOutput}); ok {
				got++
				lease.SettleReserved()
			}
		}
	}
	if got > fleetCounts {
		t.Errorf("nodes that joined admitted %d requests though the limits were used up", got)
	}
	return f.summary(server.URL(), server) + fmt.Sprintf("; three nodes that joined admitted %d of %d when nothing was left", got, asked)
}

// rowRecovered has a store that was slow for a while: afterwards the nodes exchange
// as often as before.
func rowRecovered(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(2 * time.Second)
	f.proxies(func(p *servertest.Proxy) { p.Slow(servertest.ToClient, 200*time.Millisecond, 0) })
	pause(10 * time.Second)
	stretched := f.stats().Interval
	f.proxies(func(p *servertest.Proxy) { p.Slow(servertest.ToClient, 0, 0) })
	pause(5 * time.Second)
	before := f.stats().Exchanges
	pause(3 * time.Second)
	rate := float64(f.stats().Exchanges-before) / 3 / fleetSize
	if rate > 1.2*10+2 || f.stats().Interval > 150*time.Millisecond {
		t.Errorf("%.1f exchanges a second and node, interval %v", rate, f.stats().Interval)
	}
	return f.summary(server.URL(), server) + fmt.Sprintf("; interval to %v, then %.1f exchanges a second and node", stretched.Round(time.Millisecond), rate)
}
