package syncer

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	demandSpan = 500 * time.Millisecond // of the moving average of what is offered
	standing   = time.Minute            // for so long after the last demand one request stands by
	surplus    = 1.5                    // times what is expected until the next exchange
	deviations = 2.5                    // standard ones of requests that come independently, where there is plenty
	plenty     = 4                      // times what all nodes want
	seldom     = 10 * time.Second       // between two demands: no more stands by than one request
)

// demand is what clients offer a deployment here, refused requests included.
type demand struct {
	of [4]measure // in the order of Count's fields
	callers
	at   int64 // when it was last measured; 0 = never
	last int64 // when there was last any
	// gap is the moving average of the time between two measurements that found some, and
	// found when that was last.
	gap   time.Duration
	found int64
	// seen is what of the minute that began then has been measured.
	seen   [4]int64
	window int64
}

// measure is the demand of one dimension.
type measure struct {
	rate    float64  // per nanosecond
	mean    float64  // of a request
	large   float64  // the largest of late
	pending int64    // missed since the last measurement
	waiting int64    // of requests that wait
	refused recently // of requests that were refused at once, and may come back
	budget  float64  // what is expected until the next exchange
	ample   float64  // what is hardly ever exceeded until then
}

// want takes in what the source could not admit.
func (d *demand) want(w *window.Want, now int64) {
	missed := [4]int64{w.Missed, w.MissedTokens, w.MissedInput, w.MissedTokens - w.MissedInput}
	waiting := [4]int64{w.Waiting, w.WaitingTokens, w.WaitingInput, w.WaitingTokens - w.WaitingInput}
	for i := range d.of {
		m := &d.of[i]
		m.pending += missed[i]
		m.waiting = waiting[i]
		m.refused.now += missed[i]
		if n := w.Missed + w.Waiting; n > 0 && i > 0 {
			m.mean = average(m.mean, float64(missed[i]+waiting[i])/float64(n))
		}
		m.large = max(m.large, m.mean)
	}
	d.of[1].large = max(d.of[1].large, float64(w.Largest))
	d.saw(w.Waiting+w.Vain, w.Missed)
	d.last = now
}

// rest takes in that nothing waits.
func (d *demand) rest() {
	for i := range d.of {
		d.of[i].waiting = 0
	}
}

// recently adds up what came within an interval and a round trip, so that a caller that comes
// back counts once.
type recently struct {
	now, before int64
	turned      int64 // when before was now
}

// most returns the larger sum of the last two spans.
func (r *recently) most() int64 { return max(r.now, r.before) }

// turn begins a new span if the last is over.
func (r *recently) turn(now int64, horizon time.Duration) {
	if time.Duration(now-r.turned) >= horizon {
		r.now, r.before, r.turned = 0, r.now, now
	}
}

// less takes off what was admitted.
func (r *recently) less(n int64) {
	r.now, r.before = max(r.now-n, 0), max(r.before-n, 0)
}

func average(old, latest float64) float64 {
	if old == 0 {
		return latest
	}
	return old + (latest-old)/8
}

// measure looks at what was used of a window since it was last looked at.
func (d *demand) measure(u *usage, now int64, horizon time.Duration) {
	if d.at == 0 || now < d.at {
		d.at = now
	}
	dt := time.Duration(now - d.at)
	grown := d.grown(u)
	for i, a := range u.accounts {
		if a != nil && time.Duration(now-u.start*1e9) < 2*horizon {
			a.offered += grown[i] + d.of[i].pending
		}
		d.of[i].pending += grown[i]
	}
	if d.of[0].mean = 1; d.last != 0 && now-d.last <= int64(standing) {
		d.of[0].large = 1
	}
	for i := 1; i < len(grown); i++ {
		if m := &d.of[i]; grown[i] > 0 {
			mean := float64(grown[i]) / float64(max(grown[0], 1))
			m.mean = average(m.mean, mean)
			m.large = max(m.large, mean)
		}
	}
	if grown != [4]int64{} {
		d.last = now
		if d.found != 0 {
			d.gap += (time.Duration(now-d.found) - d.gap) / 8
		}
		d.found = now
	}
	for i := range d.of {
		d.of[i].refused.less(grown[i])
		d.of[i].refused.turn(now, horizon)
	}
	if dt < 10*time.Millisecond {
		return
	}
	d.at = now
	k := 1 - math.Exp(-float64(dt)/float64(demandSpan))
	for i := range d.of {
		m := &d.of[i]
		m.rate += k * (float64(m.pending)/float64(dt) - m.rate)
		m.pending = 0
		expected := m.rate * float64(horizon)
		m.budget, m.ample = surplus*expected, expected+deviations*math.Sqrt(expected*max(m.large, m.mean))
		if m.budget < 0.75*m.mean {
			m.budget = 0
		}
		if d.gap > seldom {
			m.ample = 0 // for a request now and then one stands by
		}
		if now-d.last > int64(standing) {
			m.large, m.ample = 0, 0
		}
	}
	for i := 1; i < len(d.of); i++ {
		m := &d.of[i]
		if faded := m.large * math.Exp(-float64(dt)/float64(30*time.Second)); m.large > 0 {
			m.large = max(faded, m.mean)
		}
	}
}

// grown returns what was used of the current minute since it was last measured.
func (d *demand) grown(u *usage) (grown [4]int64) {
	if d.window != u.start {
		d.seen, d.window = [4]int64{}, u.start
	}
	for i, own := range u.own.list() {
		grown[i] = max(own-d.seen[i], 0)
		d.seen[i] = own
	}
	return grown
}

// target returns how much should be free where left is free in the store: what is
// expected until the next exchange, one large request beside it while there is plenty,
// but no more than half of what is left, and in any case what is needed now.
func (m *measure) target(left int64, nodes int) int64 {
	want := int64(math.Ceil(m.budget))
	if ample := int64(math.Ceil(m.ample)); ample > want && left > plenty*int64(nodes)*ample {
		want = ample
	}
	if half := left / 2; want > max(half, 1) {
		want = max(half, int64(math.Ceil(m.mean)))
	}
	if m.large > 0 && float64(left) > 3*float64(nodes)*m.large {
		want += int64(math.Ceil(m.large))
	}
	return max(want, m.waiting+m.refused.most())
}
