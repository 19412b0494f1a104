package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Stats is the state of a syncer. Counters count since New.
type Stats struct {
	Exchanges  int64 // batches that the store answered
	Failures   int64 // attempts that failed
	InDoubt    int64 // batches whose first attempt failed, so that the store may or may not have applied them
	Duplicates int64 // batches that the store had already applied when they were sent again
	Replayed   int64 // acknowledged batches that a store with LiteLLM's keys had lost and applied again
	Reseeded   int64 // times that this node added its usage again, because a bucket began a new epoch or was emptied
	Restored   int64 // times that a single counter was found lost, for instance by eviction
	Refused    Count // usage that the store has rejected for good: not shared
	Dropped    Count // usage that was not shared in time, or was in a batch given up in doubt; reservations that were not used are none

	// Overrun is the usage beyond the grants of escrow: of requests larger than their
	// reservation, and of those that Config.Away admitted.
	Overrun Count

	// Stranded is an upper bound of this node's unused reservations in windows that have not
	// ended, if the last exchange of [Syncer.Run] failed; else 0. No node can use them until
	// the windows end.
	Stranded Count

	// Mode is how limits are kept together: Config.Mode, or [Usage] if the store has no epochs
	// and so cannot hold escrow.
	Mode Mode
	// These are of limits that are held by escrow, in the current minute. Granted is how much
	// this node may use, Own is its usage, and Waiting is the demand of the requests that wait
	// for a grant.
	Granted, Own, Waiting Count
	Missed                int64 // requests that a ceiling refused at once although the limit had headroom
	Vain                  int64 // requests that waited for a grant and were refused
	// ByUsage is the number of deployments with a limit that is configured for Escrow but kept
	// by usage in a current window. [Syncer.AppendAccounts] returns the reasons.
	ByUsage int
	// Differing is the number of deployments that the other nodes keep together in another mode
	// than this node is configured for, in the current minute. This node follows them.
	Differing int
	// OtherModes is how many other nodes are configured for another mode than this one. Nodes
	// whose mode is unknown do not count.
	OtherModes int

	// Opens is how long a store that is new or was emptied grants nothing yet; 0 = it grants, or
	// no limit is held by escrow.
	Opens time.Duration

	// Refused and Dropped of hours, of days and of windows that begin at times of their own.
	// UTC minutes count the same usage too.
	RefusedOfDays, DroppedOfDays Count

	Staleness time.Duration // time since the last reply to the bucket that has waited longest; 0 = no bucket has any deployments
	Keys      int           // records of a deployment in a window
	Bytes     int64         // bytes sent and received, as far as the store reports them
	Forecast  Count         // the other nodes' estimated usage of current windows since the last totals
	Nodes     int           // nodes that share the store; 0 = not known yet
	Unaware   int           // how many of Nodes are of a version without modes, which shares usage: they may pass limits that are held by escrow
	Outdated  int           // live nodes of an older version, whose usage is in other counters; this node decides by Config.Away until they have gone
	Interval  time.Duration // current time between two rounds
	RoundTrip time.Duration // moving average of an exchange's round trip, of the slowest bucket
	Offset    time.Duration // correction of Config.Clock towards the store's clock so far
	Away      bool          // a bucket of the store does not reply, or has just begun to again
	Degraded  time.Duration // total time for which Away was true
	Problem   string        // why Away is true, such as the error of the last attempt; "" = it is false, or the store has not replied yet
}

// Stats returns the state of the syncer. It does not wait for an exchange, and is safe for
// concurrent use.
func (s *Syncer) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Read()
	st := s.stats
	if s.reserver != nil {
		st.Mode = s.cfg.Mode
	}
	st.OtherModes = s.otherModes.nodes
	st.Nodes, st.Unaware, st.Outdated, st.Offset, st.Away, st.Degraded = s.nodes, s.unaware, s.outdated, s.follower.offset, s.away > 0, s.degraded
	if st.Away {
		st.Degraded += time.Duration(now - s.awaySince)
		st.Problem = s.problem()
	}
	for _, b := range s.buckets {
		if s.reserver != nil && b.met {
			st.Opens = max(st.Opens, time.Duration(b.opens-now))
		}
		st.Interval, st.RoundTrip = max(st.Interval, b.interval()), max(st.RoundTrip, b.roundTrip)
		if len(b.deployments) > 0 {
			last := b.last
			if last == 0 {
				last = s.started
			}
			st.Staleness = max(st.Staleness, time.Duration(now-last))
		}
		for _, d := range b.deployments {
			st.Keys += len(d.windows)
			if d.byUsage(now) {
				st.ByUsage++
			}
			for _, u := range d.windows {
				if u.kind == window.KindMinute && now/1e9 >= u.start && u.runs(now) && u.differs() {
					st.Differing++
				}
				st.escrow(u, now)
				if s.leaving && u.runs(now) {
					st.Stranded = st.Stranded.plus(u.stranded())
				}
				if age := now/1e9 - u.start; age >= 0 && age < 60 && !u.kind.Long() {
					st.Forecast = st.Forecast.plus(u.forecast)
				}
			}
		}
	}
	return st
}

// byUsage reports whether a limit that is configured for escrow is kept by usage in a
// current window.
func (d *deployment) byUsage(now int64) bool {
	for _, u := range d.windows {
		if now/1e9 < u.start || !u.runs(now) || d.covered[u.kind] {
			continue
		}
		limits := u.limits().list()
		for i, mode := range d.modes[u.kind].list() {
			if mode == Escrow && limits[i] != 0 && u.accounts[i] == nil {
				return true
			}
		}
	}
	return false
}

// escrow adds the accounts of a window to st, if it is the current minute.
func (st *Stats) escrow(u *usage, now int64) {
	if now/1e9 < u.start || !u.runs(now) {
		return
	}
	for i, a := range u.accounts {
		if a != nil {
			st.Granted = st.Granted.plus(one(i, a.Granted()))
			st.Own = st.Own.plus(one(i, u.own.list()[i]))
			st.Waiting = st.Waiting.plus(one(i, u.d.demand.of[i].waiting))
		}
	}
}

func (st *Stats) drop(kind window.Kind, c Count) {
	if kind.Long() {
		st.DroppedOfDays = st.DroppedOfDays.plus(c.magnitude())
		return
	}
	st.Dropped = st.Dropped.plus(c.magnitude())
}

func (st *Stats) refuse(kind window.Kind, c Count) {
	if kind.Long() {
		st.RefusedOfDays = st.RefusedOfDays.plus(c.magnitude())
		return
	}
	st.Refused = st.Refused.plus(c.magnitude())
}
