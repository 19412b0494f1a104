package syncer

import (
	"time"
)

// pace is how fast a bucket's store answers.
type pace struct {
	base, limit time.Duration // Config.Interval, Config.Timeout

	roundTrip time.Duration // moving average; 0 = none yet
	took      time.Duration // moving average of all exchanges of a round
	timeouts  int           // in a row
}

// interval returns the time between two rounds: the store is not kept busy for
// more than half of it, unless that makes it longer than maxInterval.
func (p *pace) interval() time.Duration {
	return max(p.base, min(2*p.took, maxInterval))
}

// deadline returns how long the next exchange may take.
func (p *pace) deadline() time.Duration {
	d := p.limit
	if p.roundTrip != 0 {
		d = min(max(4*p.roundTrip, minTimeout), p.limit)
	}
	for range p.timeouts {
		if d *= 2; d >= maxInterval {
			return max(p.limit, maxInterval)
		}
	}
	return d
}

// answered takes in the round trip of an exchange.
func (p *pace) answered(d time.Duration) {
	p.timeouts = 0
	if p.roundTrip == 0 {
		p.roundTrip = max(d, 1)
		return
	}
	p.roundTrip = max(p.roundTrip+(d-p.roundTrip)/8, 1)
}

// done takes in the time a round of exchanges took. A store that recovers is
// followed faster than one that slows down.
func (p *pace) done(d time.Duration) {
	d = min(d, maxInterval)
	weight := time.Duration(4)
	if d < p.took {
		weight = 2
	}
	p.took += (d - p.took) / weight
}
