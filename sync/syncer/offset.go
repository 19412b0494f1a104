package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	maxStep     = time.Millisecond // how far the clock moves per exchange
	sampleCount = 8
)

// follower moves a clock towards that of the store, by the exchange that took
// least among the last few: what it says is the most precise.
type follower struct {
	clock   *window.Clock
	offset  time.Duration // what the clock shows beyond its source
	samples [sampleCount]sample
	n       int
}

type sample struct{ offset, roundTrip time.Duration }

// follow takes in what the store's clock showed between two readings of the
// follower's. A reading at the very beginning of a minute may be of a clock that
// waits there for its source, and says nothing.
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
	if f.n >= sampleCount { // a difference that stays is halved by halves
		step /= 2
	}
	if step = min(max(step, -maxStep), maxStep); step != 0 {
		f.offset += step
		f.clock.Slew(f.offset)
	}
}
