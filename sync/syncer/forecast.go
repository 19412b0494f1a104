package syncer

import (
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// view is this node's estimate of the other nodes' usage of a window.
type view struct {
	remote   Count // total minus acked at the last reading
	rate     [4]float64
	peak     [4]float64 // decaying maximum of the rate: demand that limits have not held back
	forecast Count      // expected growth of remote until the next exchange
	ceiling  Count      // of window.Share

	opening  opening
	expected Count // the other nodes' expected opening, until they can have reported it
}

// opening is the usage of a window at the first time when exchanges can have reported what
// every node used at its start.
type opening struct {
	known       bool
	own, remote Count
}

const (
	rateWeight = 0.5 // weight of the latest rate in the moving average
	// shortest is the least time between two totals from which a rate is computed.
	shortest = 10 * time.Millisecond
)

// observe applies a total read at now, of which the other nodes have used remote. The next
// total arrives within horizon.
func (u *usage) observe(total, remote Count, now int64, horizon time.Duration) {
	since := u.at
	if since == 0 {
		since = u.start * int64(time.Second)
	}
	weight := rateWeight
	if u.at == 0 {
		weight = 1
	}
	if dt := time.Duration(now - since); dt >= shortest {
		added := remote.minus(u.remote).list()
		for i := range added {
			u.peak[i] = max(float64(added[i])/float64(dt), u.peak[i]*fading)
			if added[i] <= 0 && dt >= calm {
				u.peak[i] = 0
			}
			added[i] = foresee(&u.rate[i], weight, added[i], dt, horizon)
		}
		u.forecast = countFrom(added)
	}
	u.remote, u.total, u.known, u.at = remote, total, true, now
	if u.kind.Long() {
		return
	}
	if age := time.Duration(now - u.start*int64(time.Second)); age < blind(horizon) {
		u.forecast = u.expected.remaining(remote, u.forecast)
	} else {
		u.expected = Count{}
		if !u.opening.known && age < blind(horizon)+2*refresh {
			u.opening = opening{true, u.acked, remote}
		}
	}
}

// remaining returns what is left of a, an expected opening, beyond what is known of it. Where
// nothing was expected it returns the forecast by rate. In a burst the rate at which other
// nodes began does not predict the remainder, because each node's share bounds it.
func (a Count) remaining(known, forecast Count) Count {
	e, k, f := a.list(), known.list(), forecast.list()
	for i := range e {
		if e[i] > 0 {
			f[i] = max(e[i]-k[i], 0)
		}
	}
	return countFrom(f)
}

// blind is the longest time after a window's start at which a node has received nothing of
// what another node has used since: the usage waits for an exchange there, then for one here.
func blind(horizon time.Duration) time.Duration { return 2 * horizon }

// pacing predicts, from the openings of earlier minutes, how much of each limit the other
// nodes use before their usage is visible here. All nodes together form an integral
// controller. If a minute's opening used at least half of a limit, each of N nodes moves
// its expectation by 1/2N of the error. The openings so converge to the limit. Expecting
// what was last admitted would oscillate between half and twice the limit, because the
// expectation itself had held the admissions back.
type pacing struct {
	expected [4]float64
	bursts   int // number of further minutes that begin with quicker rounds
}

// rememberBursts is the number of minutes that begin with quicker rounds after a minute
// that opened with a burst.
const rememberBursts = 5

// learn updates the expectations by the opening of a minute.
func (p *pacing) learn(o opening, nodes int, limits Count) {
	if !o.known {
		*p = pacing{}
		return
	}
	p.bursts = max(p.bursts-1, 0)
	own, remote := o.own.list(), o.remote.list()
	for i, limit := range limits.list() {
		e, used := &p.expected[i], own[i]+remote[i]
		if limit > 0 && 4*used >= limit && remote[i] > 0 {
			p.bursts = rememberBursts
		}
		switch before, n := *e, float64(remote[i]); {
		case limit <= 0 || 8*used < limit && limit >= int64(nodes) || before == 0:
			*e = n
		case 2*used < limit:
			*e += (n - before) / 2
		default:
			*e += (n - before) / float64(2*max(nodes, 1))
		}
		if limit > 0 { // the other nodes never get this node's share
			*e = min(*e, (1-part(nodes, own[i], remote[i]))*float64(limit))
		}
	}
}

// expect returns the other nodes' expected usage in the opening of a window. Rounding of
// the remainder is random by draw, from 0 to 1, so that its mean over the nodes is exact.
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

// draw returns a number from 0 to 1, exclusive: a hash of node, deployment and window.
func (s *Syncer) draw(id string, start int64) float64 {
	return float64(rendezvous(s.cfg.Node, id, start)>>11) / (1 << 53)
}

// rendezvous returns the rendezvous hash of a node for a deployment's window.
func rendezvous(node, id string, start int64) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\x00%s\x00%d", node, id, start) // a hash never fails
	return mix(h.Sum64())
}

// mix spreads a hash over all bits (SplitMix64's finalizer).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// anticipate passes the other nodes' expected opening of the next minute to the source, in
// the last two intervals of the current one, because no node can report it in time. Totals
// replace it once the other nodes have had time to report.
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

// foresee updates the moving average of a rate (per nanosecond) by what was added in dt. It
// returns the expected growth within horizon; 0 if nothing was added.
func foresee(rate *float64, weight float64, added int64, dt, horizon time.Duration) int64 {
	latest := float64(max(added, 0)) / float64(dt)
	*rate += weight * (latest - *rate)
	if added <= 0 {
		return 0
	}
	return int64(*rate * float64(horizon))
}
