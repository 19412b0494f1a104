package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// view is what a node believes the others have used of a window.
type view struct {
	others   Count // total - own as committed by then
	rate     [4]float64
	forecast Count // what they will have added by the next exchange
	ceiling  Count // as window.Share has it

	opening  opening
	expected Count // of the others' opening, until they could have told
}

// opening is what a window began with: what was used of it when the first
// exchanges could have told of that.
type opening struct {
	known       bool
	own, others Count
}

const (
	rateWeight = 0.5 // of the latest rate in the moving average
	// shortest is the least time between two totals that says anything about a
	// rate.
	shortest = 10 * time.Millisecond
)

// observe takes in a total read at now, and what of it the others have used. The
// store is asked again within horizon.
func (u *usage) observe(total, others Count, now int64, horizon time.Duration) {
	since := u.at
	if since == 0 {
		since = u.start * int64(time.Second)
	}
	weight := rateWeight
	if u.at == 0 {
		weight = 1
	}
	if dt := time.Duration(now - since); dt >= shortest {
		added := others.minus(u.others).list()
		for i := range added {
			added[i] = foresee(&u.rate[i], weight, added[i], dt, horizon)
		}
		u.forecast = countFrom(added)
	}
	u.others, u.total, u.known, u.at = others, total, true, now
	if u.kind.Daily() {
		return
	}
	if age := time.Duration(now - u.start*int64(time.Second)); age < blind(horizon) {
		u.forecast = u.forecast.atLeast(u.expected.minus(others))
	} else {
		u.expected = Count{}
		if !u.opening.known && age < blind(horizon)+2*refresh {
			u.opening = opening{true, u.committed, others}
		}
	}
}

// blind is for how long after a window began a node may not have been told of
// what another one has used since: that has waited there for an exchange, and
// here for the next.
func blind(horizon time.Duration) time.Duration { return 2 * horizon }

// expect returns how the others will open the next window: as they did this one.
// Where that leaves less of a limit than this node's share, its share is left.
func (o *opening) expect(nodes int, limits Count) Count {
	if !o.known {
		return Count{}
	}
	own, others := o.own.list(), o.others.list()
	for i, limit := range limits.list() {
		if limit > 0 {
			others[i] = min(others[i], int64((1-part(nodes, own[i], others[i]))*float64(limit)))
		}
	}
	return countFrom(others)
}

// anticipate tells the source, shortly before a window ends, how the others are
// expected to open the next one: nobody can tell in time. What exchanges tell
// replaces it, once the others have had the time to say so.
func (s *Syncer) anticipate(b *bucket, now int64) {
	end := window.Start(window.EpochAt(now) + 1)
	if b.away || time.Duration(end-now) > 2*b.interval() {
		return
	}
	s.shares = s.shares[:0]
	for _, d := range b.deployments {
		u := d.window(window.KindMinute, end/int64(time.Second)-60)
		if u == nil {
			continue
		}
		expected := u.opening.expect(s.nodeCount(), d.limits)
		if next := d.window(window.KindMinute, u.end); expected != (Count{}) || next != nil {
			next = d.open(window.KindMinute, u.end)
			next.expected, next.forecast = expected, expected
			s.shares = append(s.shares, next.share())
		}
	}
	s.absorb()
}

// foresee moves the average of a rate (per nanosecond) to what was added in dt
// and returns what will be added in horizon: nothing, if nothing was.
func foresee(rate *float64, weight float64, added int64, dt, horizon time.Duration) int64 {
	latest := float64(max(added, 0)) / float64(dt)
	*rate += weight * (latest - *rate)
	if added <= 0 {
		return 0
	}
	return int64(*rate * float64(horizon))
}
