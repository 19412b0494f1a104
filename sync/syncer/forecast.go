package syncer

import (
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// view is what a node believes the others have used of a window.
type view struct {
	others   Count // total - own as committed by then
	rate     [4]float64
	peak     [4]float64 // the highest rate lately, which what is left of a limit did not hold back
	forecast Count      // what they will have added by the next exchange
	ceiling  Count      // as window.Share has it

	opening  opening
	expected Count // of the others' opening, until they could have reported it
}

// opening is what a window began with: what was used of it when the first
// exchanges could have reported that.
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
			u.peak[i] = max(float64(added[i])/float64(dt), u.peak[i]*fading)
			if added[i] <= 0 && dt >= calm {
				u.peak[i] = 0
			}
			added[i] = foresee(&u.rate[i], weight, added[i], dt, horizon)
		}
		u.forecast = countFrom(added)
	}
	u.others, u.total, u.known, u.at = others, total, true, now
	if u.kind.Long() {
		return
	}
	if age := time.Duration(now - u.start*int64(time.Second)); age < blind(horizon) {
		u.forecast = u.expected.rest(others, u.forecast)
	} else {
		u.expected = Count{}
		if !u.opening.known && age < blind(horizon)+2*refresh {
			u.opening = opening{true, u.committed, others}
		}
	}
}

// rest returns what is left of a, an expectation of the opening, beyond what is
// known of it; where there is none, the forecast by rate. In a burst the rate at
// which others began says nothing of the rest, which each node's share bounds.
func (a Count) rest(known, forecast Count) Count {
	e, k, f := a.list(), known.list(), forecast.list()
	for i := range e {
		if e[i] > 0 {
			f[i] = max(e[i]-k[i], 0)
		}
	}
	return countFrom(f)
}

// blind is for how long after a window began a node may not have received
// what another one has used since: that has waited there for an exchange, and
// here for the next.
func blind(horizon time.Duration) time.Duration { return 2 * horizon }

// pacing is what the nodes' openings of the minutes so far have taught of a
// deployment: how much of each limit the others are expected to use before they
// can be seen to. It is a controller of all nodes together. Where a minute's
// opening used much of a limit, what it left or exceeded is spread evenly over the
// nodes: each expects less or more of the others by an N-th of it. So the openings
// come to the limit and stay there, where expecting what was last admitted, which
// that expectation had held back, would swing between half and twice of it.
type pacing struct {
	expected [4]float64
	bursts   int // for how many more minutes a burst in the opening is to be met with quicker rounds
}

// rememberBursts is for how many minutes after a minute opened with a burst the next ones
// are watched more closely.
const rememberBursts = 5

// learn takes in how a minute opened.
func (p *pacing) learn(o opening, nodes int, limits Count) {
	if !o.known {
		*p = pacing{}
		return
	}
	p.bursts = max(p.bursts-1, 0)
	own, others := o.own.list(), o.others.list()
	for i, limit := range limits.list() {
		e, used := &p.expected[i], own[i]+others[i]
		if limit > 0 && 4*used >= limit && others[i] > 0 {
			p.bursts = rememberBursts
		}
		switch before, n := *e, float64(others[i]); {
		case limit <= 0 || 8*used < limit && limit >= int64(nodes) || before == 0:
			*e = n
		case 2*used < limit:
			*e += (n - before) / 2
		default:
			*e += (n - before) / float64(2*max(nodes, 1))
		}
		if limit > 0 { // a node's share is its own
			*e = min(*e, (1-part(nodes, own[i], others[i]))*float64(limit))
		}
	}
}

// expect returns what the others will use in the opening of a window. What is
// left of a limit is rounded up for as many nodes as its fraction says.
func (p *pacing) expect(limits Count, draw float64) Count {
	var n [4]int64
	for i, limit := range limits.list() {
		if n[i] = int64(p.expected[i]); limit > 0 && p.expected[i] > 0 {
			left := float64(limit) - p.expected[i]
			whole := math.Floor(left)
			if draw < left-whole {
				whole++
			}
			n[i] = max(limit-int64(whole), 0)
		}
	}
	return countFrom(n)
}

// draw returns a number from 0 to 1 that differs between nodes, deployments and
// windows, and stays the same for each.
func (s *Syncer) draw(id string, start int64) float64 {
	return float64(rendezvous(s.cfg.Node, id, start)>>11) / (1 << 53)
}

// rendezvous returns the weight of a node for a deployment's window.
func rendezvous(node, id string, start int64) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\x00%s\x00%d", node, id, start) // never fails
	return mix(h.Sum64())
}

// mix spreads a hash over all bits (SplitMix64's finalizer).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// anticipate announces to the source, shortly before a window ends, how the others are
// expected to open the next one: no node can report it in time. What exchanges bring
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
		if d.paced != u.start {
			d.paced = u.start
			d.pacing.learn(u.opening, s.nodeCount(), d.limits)
		}
		next := d.window(window.KindMinute, u.end)
		if next != nil && !next.accounts.none() {
			continue
		}
		if d.pacing.bursts > 0 {
			b.bursts = end
		}
		expected := d.pacing.expect(d.limits, s.draw(d.id, u.end))
		known := u.known && d.live(window.EpochAt(now))
		if known || expected != (Count{}) || next != nil {
			next = d.open(window.KindMinute, u.end)
			if known {
				next.lift()
			}
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
