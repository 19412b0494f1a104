package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	maxStep     = time.Millisecond // how far the clock moves per exchange
	sampleCount = 8
)

// follower slews a clock towards the store's, by the exchange with the shortest round trip
// among the last sampleCount: its offset is the most precise.
type follower struct {
	clock   *window.Clock
	offset  time.Duration // the clock's time minus that of its source
	samples [sampleCount]sample
	n       int
}

type sample struct{ offset, roundTrip time.Duration }

// follow applies the store's time store, read between the readings before and after of the
// follower's clock. A reading exactly at the beginning of a minute is ignored: the clock may
// stand still there until its source has caught up.
func (f *follower) follow(before, after int64, store time.Time) {
	if store.IsZero() || before%window.Minute == 0 || after%window.Minute == 0 || after < before {
		return
	}
	source := before + (after-before)/2 - int64(f.offset)
	f.samples[f.n%sampleCount] = sample{time.Duration(store.UnixNano() - source), time.Duration(after - before)}
	f.n++
	best := f.samples[0]
	for _, s := range f.samples[1:min(f.n, sampleCount)] {
		if s.roundTrip < best.roundTrip {
			best = s
		}
	}
	step := best.offset - f.offset
	if f.n >= sampleCount { // later differences are corrected by half, which damps noise
		step /= 2
	}
	if step = min(max(step, -maxStep), maxStep); step != 0 {
		f.offset += step
		f.clock.Slew(f.offset)
	}
}
