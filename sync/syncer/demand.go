package syncer

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	demandSpan = 500 * time.Millisecond // time constant of the moving average of offered load
	standing   = time.Minute            // how long after the last demand budget for one request stays reserved
	surplus    = 1.5                    // reserved budget, as a multiple of the demand expected until the next exchange
	deviations = 2.5                    // standard deviations of Poisson arrivals that are reserved on top where a limit has plenty left
	plenty     = 4                      // a limit has plenty left from this multiple of the wants of all nodes
	seldom     = 10 * time.Second       // from this mean gap between demands, budget for one request is enough
)

// demand is the load that this node's clients offer a deployment, refused requests included.
type demand struct {
	of [4]measure // in the order of Count's fields
	callers
	at   int64 // when it was last measured, Unix nanoseconds; 0 = never
	last int64 // when there was last any demand, Unix nanoseconds; 0 = never
	// gap is the moving average of the time between two measurements that found demand, and
	// found is when the last of them was made, Unix nanoseconds.
	gap   time.Duration
	found int64
	// seen is the usage that has been measured of the minute that began at window, Unix
	// seconds.
	seen   [4]int64
	window int64
}

// measure is the demand of one dimension, in requests or tokens.
type measure struct {
	rate    float64  // per nanosecond
	mean    float64  // moving average of a request's size
	large   float64  // size of the largest recent request; it decays by 1/e in 30 s
	pending int64    // used or missed since the last measurement
	waiting int64    // demand of requests that wait
	refused recently // demand of requests that were refused at once and may be retried
	budget  float64  // expected until the next exchange, times surplus
	ample   float64  // expected until then plus deviations: hardly ever exceeded
}

// want adds the demand that the source could not admit.
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

// clearWaiting records that no request waits.
func (d *demand) clearWaiting() {
	for i := range d.of {
		d.of[i].waiting = 0
	}
}

// recently sums refused demand over spans of an interval and a round trip. It offers the
// larger of the last two sums, not their total, so that a caller that retries counts once.
type recently struct {
	now, before int64
	turned      int64 // when the current span began, Unix nanoseconds
}

// most returns the larger sum of the last two spans.
func (r *recently) most() int64 { return max(r.now, r.before) }

// turn begins a new span if the current one is over.
func (r *recently) turn(now int64, horizon time.Duration) {
	if time.Duration(now-r.turned) >= horizon {
		r.now, r.before, r.turned = 0, r.now, now
	}
}

// less subtracts n, which has been admitted.
func (r *recently) less(n int64) {
	r.now, r.before = max(r.now-n, 0), max(r.before-n, 0)
}

func average(old, latest float64) float64 {
	if old == 0 {
		return latest
	}
	return old + (latest-old)/8
}

// measure updates the moving averages by a window's usage since the last measurement.
// Horizon is the time until the next exchange's answer.
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
			m.ample = 0 // budget for one request is enough: see seldom
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

// grown returns the usage of the current minute since the last measurement.
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

// target returns how much this node wants to hold free when left is free in the store. It
// is the demand expected until the next exchange, at most half of left, plus one large
// request while left holds three of them for each node. It is never less than the demand
// that waits or was just refused.
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
