package syncer

import "time"

// Each round reports the usage that could matter to another node before the next round: that
// of a limit of which half is used, or much of what is left. In a bucket of more deployments
// than fit into one batch, usage far from every limit waits for a full round, which is every
// third. The cost of sharing so depends on the number of deployments near a limit. A round
// in which nothing is urgent exchanges nothing.
const (
	// Usage far from every limit waits for relaxed or for rounds intervals, whichever is less.
	relaxed = 250 * time.Millisecond
	rounds  = 2.5
	// All nodes together may have used 1/hidden of what is left of a limit without reporting it.
	hidden = 16
	// resting is the largest age of a total in a bucket of more deployments than fit into one
	// batch. It is twice that where less than 1/untouched of each limit was used. The first
	// local request causes a reading.
	resting   = 4 * refresh
	untouched = 8
)

// relax decides whether the round that begins now carries only urgent windows. Rounds of
// Sync, which are not hurried, carry all.
func (b *bucket) relax(now int64, hurried bool) {
	wait := min(time.Duration(rounds*float64(b.interval())), relaxed)
	b.hurried = hurried
	b.relaxing = hurried && len(b.deployments) > batchSize && !b.away && b.inFlight == nil && !b.lost && time.Duration(now-b.full).Abs() < wait
	if !b.relaxing {
		b.full = now
	}
}

// urgent reports whether this round must report a window's usage and read its total. Under
// the mutex.
func (s *Syncer) urgent(u *usage, now int64) bool {
	if !u.known || !u.runs(now) || u.wanting(now) || u.expected != (Count{}) {
		return true
	}
	unsent, total := u.unsent().atLeast(Count{Requests: 1}).list(), u.total.list() // as if one more request had come
	for i, limit := range u.limits().list() {
		left := limit - total[i]
		if limit < 0 || limit > 0 && (2*(total[i]+unsent[i]) >= limit || hidden*int64(s.nodeCount())*unsent[i] >= left) {
			return true
		}
	}
	return false
}

// wanting reports whether an account of the window needs a batch now: requests wait or were
// refused, an ask has no outcome yet, or the expected demand is above the free grants.
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

// rests reports whether a window's total may grow older than refresh: the bucket has more
// deployments than fit into one batch, and this one is not used here, is far from every limit
// and has no forecast of other nodes' usage. Under the mutex.
func (s *Syncer) rests(b *bucket, u *usage, now int64) bool {
	return b.hurried && len(b.deployments) > batchSize && u.at != 0 && u.forecast == (Count{}) &&
		time.Duration(now-u.at) < u.resting()-refresh/2 && time.Duration(now-u.used) >= recent && !s.urgent(u, now)
}

// resting returns the largest age of the window's total.
func (u *usage) resting() time.Duration {
	total := u.total.list()
	for i, limit := range u.limits().list() {
		if limit > 0 && untouched*total[i] >= limit {
			return resting
		}
	}
	return 2 * resting
}
