package syncer

import (
	"time"
)

// pace measures how fast a bucket's store replies.
type pace struct {
	base, limit time.Duration // Config.Interval, Config.Timeout

	roundTrip time.Duration // moving average; 0 = none yet
	took      time.Duration // moving average of the time for all exchanges of a round
	timeouts  int           // in a row
}

// interval returns the time between two rounds. It is stretched, up to maxInterval, so that
// the store is busy for at most half of it.
func (p *pace) interval() time.Duration {
	return max(p.base, min(2*p.took, maxInterval))
}

// deadline returns how long the next exchange may take: four times the usual round trip
// within the configured bounds, doubled for each timeout in a row up to maxInterval.
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

// answered records the round trip of an exchange.
func (p *pace) answered(d time.Duration) {
	p.timeouts = 0
	if p.roundTrip == 0 {
		p.roundTrip = max(d, 1)
		return
	}
	p.roundTrip = max(p.roundTrip+(d-p.roundTrip)/8, 1)
}

// done records the time that a round of exchanges took. The average falls faster than it
// rises, so that a store that has recovered is used at the usual rate soon.
func (p *pace) done(d time.Duration) {
	d = min(d, maxInterval)
	weight := time.Duration(4)
	if d < p.took {
		weight = 2
	}
	p.took += (d - p.took) / weight
}
