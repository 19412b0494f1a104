package storetest

import (
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

const allCounts = syncer.CountRequests | syncer.CountTokens | syncer.CountInput | syncer.CountOutput

// today returns an empty tally of the current window of a kind of days.
func today(id string, kind window.Kind) window.Tally {
	begin, _ := kind.Span(time.Now().Unix())
	return window.Tally{ID: id, Kind: kind, Start: begin}
}

// testKinds: windows of different kinds have counts of their own, even if they
// begin at the same time.
func testKinds(_ *testing.T, p *probe) {
	a := p.id("a")
	day, pacific := today(a, window.KindDay), today(a, window.KindDayPacific)
	day.Requests, day.Tokens = 4, 4000
	pacific.Requests = 5
	midnight := tally(a, day.Start, 6, 600)
	minute := window.Tally{ID: a, Start: day.Start + 60, Requests: 1, Tokens: 10, Input: 7, Output: 3}
	deltas := []window.Tally{minute, day, pacific, midnight}
	counts := []syncer.Counts{allCounts, syncer.CountTokens, syncer.CountRequests, 0}
	b := p.batch(1, deltas...)
	b.Counts = counts
	p.want(p.exchange(b), deltas...)
	b.Seq = 2
	p.want(p.exchange(b), double(minute), double(day), double(pacific), double(midnight))

	b = p.batch(3)
	b.Bucket = p.store.Bucket(a)
	for _, d := range deltas {
		b.Reads = append(b.Reads, window.Tally{ID: d.ID, Kind: d.Kind, Start: d.Start})
	}
	b.Counts = []syncer.Counts{allCounts, allCounts, allCounts, allCounts}
	p.want(p.exchange(b), double(minute), double(day), double(pacific), double(midnight))
}

func double(t window.Tally) window.Tally {
	t.Requests, t.Tokens, t.Input, t.Output = 2*t.Requests, 2*t.Tokens, 2*t.Input, 2*t.Output
	return t
}

// testAsked: a reply has the totals that were asked for or changed. If a batch asks for
// none, the reply has requests and tokens.
func testAsked(_ *testing.T, p *probe) {
	a := p.id("a")
	at := start() // the minute may end before the last batch
	minute := window.Tally{ID: a, Start: at, Requests: 1, Tokens: 10, Input: 7, Output: 3}
	b := p.batch(1, minute)
	b.Counts = []syncer.Counts{allCounts}
	p.want(p.exchange(b), minute)

	p.want(p.exchange(p.batch(2, tally(a, at, 1, 0))), tally(a, at, 2, 10))
	b = p.batch(3, tally(a, at, 1, 0))
	b.Reads = []window.Tally{read(a, at), read(a, at), read(a, at)}
	b.Counts = []syncer.Counts{syncer.CountInput, syncer.CountOutput, 0, syncer.CountTokens | syncer.CountInput}
	only := func(requests, tokens, input, output int64) window.Tally {
		return window.Tally{ID: a, Start: at, Requests: requests, Tokens: tokens, Input: input, Output: output}
	}
	p.want(p.exchange(b), only(3, 0, 7, 0), only(0, 0, 0, 3), only(3, 10, 0, 0), only(0, 10, 7, 0))
	b = p.batch(4, only(0, 0, -2, 0))
	b.Counts = []syncer.Counts{syncer.CountOutput}
	p.want(p.exchange(b), only(0, 0, 5, 3))
}

// cooling returns the end of a deployment's cooldown in a reply, Unix
// milliseconds; 0 = none.
func cooling(r syncer.Reply, id string) int64 {
	for _, t := range r.Cooling {
		if t.ID == id {
			return t.CoolUntil
		}
	}
	return 0
}

// testCooling: of all reported ends of a cooldown the latest applies, in whatever order they
// arrive.
func testCooling(_ *testing.T, p *probe) {
	a, b := p.id("a"), p.id("b")
	now, at := time.Now().UnixMilli(), start()
	report := func(seq uint64, id string, until int64, requests int64) syncer.Reply {
		t := tally(id, at, requests, 0)
		t.CoolUntil = until
		return p.exchange(p.batch(seq, t))
	}
	expect := func(r syncer.Reply, id string, want int64) {
		p.Helper()
		if got := cooling(r, id); got != want {
			p.Errorf("cooling until %d, want %d", got, want)
		}
	}
	r := report(1, a, now+60_000, 0)
	p.want(r, read(a, at))
	expect(r, a, now+60_000)
	expect(report(2, a, now+50_000, 0), a, now+60_000)
	expect(report(3, a, now+70_000, 1), a, now+70_000)
	if r := report(1, a, now+60_000, 0); !r.Duplicate || len(r.Cooling) != 0 {
		p.Errorf("a batch sent again: %+v", r)
	}
	r = report(4, a, 0, 1)
	p.want(r, tally(a, at, 2, 0))
	expect(r, a, now+70_000)
	if p.store.Bucket(a) == p.store.Bucket(b) {
		r = report(5, b, now-1, 0)
		expect(r, b, 0)
		expect(r, a, now+70_000)
		heartbeat := p.batch(6)
		heartbeat.Bucket = p.store.Bucket(a)
		expect(p.exchange(heartbeat), a, now+70_000)
	}
	r = report(7, a, 1<<62, 0)
	if got, most := cooling(r, a), time.Now().UnixMilli()+syncer.MaxCooldown; got < now+70_000 || got > most {
		p.Errorf("cooling until %d, want at most %d", got, most)
	}
	other := *p
	other.node += "-other"
	t := tally(a, start(), 0, 0)
	t.CoolUntil = now + 80_000
	if got := cooling(other.exchange(other.batch(1, t)), a); got < now+80_000 {
		p.Errorf("cooling until %d for another node", got)
	}
}

// testCoolingEnds: a reply has no cooldown whose end has passed.
func testCoolingEnds(_ *testing.T, p *probe) {
	a := p.id("a")
	t := tally(a, start(), 0, 0)
	t.CoolUntil = time.Now().Add(50 * time.Millisecond).UnixMilli()
	p.exchange(p.batch(1, t))
	for seq := uint64(2); ; seq++ {
		b := p.batch(seq)
		b.Bucket = p.store.Bucket(a)
		until, now := cooling(p.exchange(b), a), time.Now().UnixMilli()
		switch {
		case until == 0:
			return
		case until != t.CoolUntil:
			p.Fatalf("cooling until %d, want %d", until, t.CoolUntil)
		case now > t.CoolUntil+5000:
			p.Fatal("still returned 5 s after it has ended")
		}
	}
}
