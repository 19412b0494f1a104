package syncer

import "time"

// A round carries at once what could matter to another node before the next one: what
// is used of a limit that is half used, or much of what is left. In a bucket of more
// deployments than fit into one batch, what is far from every limit waits for a full round,
// every third, so that the cost of sharing follows what there is to decide. A round in which
// nothing is urgent exchanges nothing.
const (
	// relaxed is how long what is far from every limit may wait, and rounds how
	// many intervals, whichever is less.
	relaxed = 250 * time.Millisecond
	rounds  = 2.5
	// hidden is one over the part of what is left of a limit that all nodes together
	// may have used unreported.
	hidden = 16
	// resting is how old a total may grow where there are more deployments than fit
	// into a batch, twice that where less than 1/untouched of each limit was used. The
	// first request here has it read.
	resting   = 4 * refresh
	untouched = 8
)

// relax decides whether the round that begins now carries only what is urgent.
func (b *bucket) relax(now int64, hurried bool) {
	wait := min(time.Duration(rounds*float64(b.interval())), relaxed)
	b.hurried = hurried
	b.relaxing = hurried && len(b.deployments) > batchSize && !b.away && b.flying == nil && !b.lost && time.Duration(now-b.full).Abs() < wait
	if !b.relaxing {
		b.full = now
	}
}

// urgent reports whether a window's usage is to be reported, and its total read, in this
// round. Under the mutex.
func (s *Syncer) urgent(u *usage, now int64) bool {
	if !u.known || !u.runs(now) || u.wanting(now) || u.expected != (Count{}) {
		return true
	}
	unsent, total := u.unsent().atLeast(Count{Requests: 1}).list(), u.total.list() // another request may be next
	for i, limit := range u.limits().list() {
		left := limit - total[i]
		if limit < 0 || limit > 0 && (2*(total[i]+unsent[i]) >= limit || hidden*int64(s.nodeCount())*unsent[i] >= left) {
			return true
		}
	}
	return false
}

// wanting reports whether a window's accounts cannot wait for what a batch would bring them:
// requests wait or were refused, something is held, or more is expected than is free.
func (u *usage) wanting(now int64) bool {
	own := u.own.list()
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		m := &u.d.demand.of[i]
		if now/1e9 < u.start || a.Holds() || m.waiting+m.refused.most() > 0 || int64(m.budget) > a.Granted()-own[i] {
			return true
		}
	}
	return false
}

// rests reports whether the total of a window that is older than refresh need not be read
// yet: the bucket has many deployments, and this one is not used here, far from every
// limit and, as far as is known, not about to be used elsewhere. Under the mutex.
func (s *Syncer) rests(b *bucket, u *usage, now int64) bool {
	return b.hurried && len(b.deployments) > batchSize && u.at != 0 && u.forecast == (Count{}) &&
		time.Duration(now-u.at) < u.resting()-refresh/2 && time.Duration(now-u.used) >= recent && !s.urgent(u, now)
}

// resting returns how old the total may grow.
func (u *usage) resting() time.Duration {
	total := u.total.list()
	for i, limit := range u.limits().list() {
		if limit > 0 && untouched*total[i] >= limit {
			return resting
		}
	}
	return 2 * resting
}
