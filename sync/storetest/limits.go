package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// testReportedLimits: every node receives each limit that a provider has reported, until the
// latest instant reported of that limit. Such a report changes no total.
func testReportedLimits(_ *testing.T, p *probe) {
	now := time.Now().UnixMilli()
	a := p.id("a:1")
	low, high := window.LimitID("tpm", 1000, a), window.LimitID("tpm", 1<<40, a)
	for i := range 50 {
		id := p.id(fmt.Sprint(i))
		if got, want := p.store.Bucket(window.LimitID("rpm", 7, id)), p.store.Bucket(id); got != want {
			p.Fatalf("a limit travels in bucket %d, its deployment in %d", got, want)
		}
	}
	other := *p
	other.node += "-other"
	report := func(by *probe, seq uint64, id string, until int64) int64 {
		at := start()
		t := tally(id, at, 0, 0)
		t.CoolUntil = until
		r := by.exchange(by.batch(seq, t))
		by.want(r, read(id, at))
		return cooling(r, id)
	}
	for i, c := range []struct {
		id          string
		until, want int64
	}{
		{low, now + 60_000, now + 60_000},
		{high, now + 90_000, now + 90_000},
		{low, now + 50_000, now + 60_000},
		{low, now + 70_000, now + 70_000},
	} {
		if got := report(p, uint64(i+1), c.id, c.until); got != c.want {
			p.Errorf("report %d: in force until %d, want %d", i, got, c.want)
		}
	}
	if got := report(&other, 1, high, now+10_000); got != now+90_000 {
		p.Errorf("another node: in force until %d, want %d", got, now+90_000)
	}
	heartbeat := other.batch(2)
	heartbeat.Bucket = p.store.Bucket(a)
	if got := cooling(other.exchange(heartbeat), low); got != now+70_000 {
		p.Errorf("a node that reports nothing: in force until %d, want %d", got, now+70_000)
	}
	if got := report(p, 5, window.LimitID("rpm", 1, a), now-1); got != 0 {
		p.Errorf("what has passed: in force until %d", got)
	}
}

// testCoolingBesideLimits: more than [syncer.MaxCooling] cooldowns displace no reported limit, and
// more limits displace no cooldown.
func testCoolingBesideLimits(_ *testing.T, p *probe) {
	now := time.Now().UnixMilli()
	a := p.id("a")
	cooldown := func(i int) string { return p.in(a, fmt.Sprint("c", i)) }
	limit := func(i int) string { return window.LimitID("tpm", int64(i+1), a) }
	seq := uint64(0)
	report := func(id func(int) string, n int, until int64) syncer.Reply {
		var r syncer.Reply
		for from := 0; from < n; from += 250 {
			var deltas []window.Tally
			for i := from; i < min(n, from+250); i++ {
				t := tally(id(i), start(), 0, 0)
				t.CoolUntil = until
				deltas = append(deltas, t)
			}
			seq++
			r = p.exchange(p.batch(seq, deltas...))
		}
		return r
	}
	report(cooldown, 1, now+3_600_000)
	if r := report(limit, syncer.MaxCooling+10, now+60_000); cooling(r, cooldown(0)) != now+3_600_000 {
		p.Error("many limits that end sooner displace a cooldown")
	}
	last := window.LimitID("rpm", 7, a)
	report(func(int) string { return last }, 1, now+50_000)
	r := report(cooldown, syncer.MaxCooling+10, now+40_000)
	if cooling(r, last) != now+50_000 {
		p.Error("many cooldowns that end sooner displace a limit")
	}
	if most := 2 * syncer.MaxCooling; len(r.Cooling) > most {
		p.Errorf("a reply of %d cooldowns and limits, want at most %d", len(r.Cooling), most)
	}
}

// in returns an ID that begins with name and is in the same bucket as id.
func (p *probe) in(id, name string) string {
	for i := 0; ; i++ {
		if n := p.id(fmt.Sprint(name, "-", i)); p.store.Bucket(n) == p.store.Bucket(id) {
			return n
		}
	}
}
