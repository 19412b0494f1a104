package storetest

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// testHeld: the first batch that asks fixes which counts of a window are held by escrow, for
// all nodes. Other windows, deployments and epochs are not affected. A store that cannot fix
// modes replies without them.
func testHeld(_ *testing.T, p *probe) {
	a, b, now := p.id("a"), p.id("b"), start()
	fixes := p.epoch(p.store.Bucket(a)) != 0
	seq := map[*probe]uint64{}
	ask := func(by *probe, wants syncer.Held, of window.Tally, as int) syncer.Held {
		p.Helper()
		seq[by]++
		batch := by.batch(seq[by], tally(a, now, 1, 0), of)
		if as == 1 {
			batch = by.batch(seq[by], tally(a, now, 1, 0))
			batch.Reads = []window.Tally{{ID: of.ID, Kind: of.Kind, Start: of.Start}}
		}
		batch.Held = []syncer.Held{0, wants}
		r := by.exchange(batch)
		if len(r.Held) > 0 && r.Held[0] != 0 {
			p.Errorf("a delta that did not ask is answered by %v", r.Held[0])
		}
		if len(r.Held) < 2 {
			return 0
		}
		return r.Held[1]
	}
	want := func(got, want syncer.Held) {
		p.Helper()
		if !fixes {
			want = 0
		}
		if got != want {
			p.Errorf("held = %v, want %v", got, want)
		}
	}
	other := *p
	other.node += "-other"
	if p.store.Bucket(a) != p.store.Bucket(b) {
		b = a
	}
	tokens, all, none := syncer.HeldBy(syncer.CountTokens), syncer.HeldBy(syncer.CountTokens|syncer.CountRequests|syncer.CountInput|syncer.CountOutput), syncer.HeldBy(0)
	want(ask(p, 0, tally(b, now+60, 1, 1), 0), 0)
	want(ask(p, syncer.HeldBefore, tally(b, now+60, 1, 1), 0), 0)
	want(ask(p, tokens, tally(b, now+60, 1, 1), 0), tokens)
	want(ask(&other, syncer.HeldBefore, tally(b, now+60, 1, 1), 1), tokens)
	want(ask(&other, all, tally(b, now+60, 1, 1), 0), tokens)
	want(ask(&other, none, tally(b, now+60, 1, 1), 1), tokens)
	want(ask(&other, none, tally(b, now+120, 1, 1), 1), none)
	want(ask(p, all, tally(b, now+120, 1, 1), 0), none)
	day, _ := window.KindDay.Span(now)
	want(ask(p, all, window.Tally{ID: b, Start: day, Kind: window.KindDay}, 1), all)
	want(ask(&other, none, window.Tally{ID: b, Start: day, Kind: window.KindDayPacific}, 1), none)
	want(ask(&other, none, window.Tally{ID: b, Start: day, Kind: window.KindDay}, 1), all)
}
