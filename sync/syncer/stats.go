package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Stats is how a syncer is doing. Counts are since it was made.
type Stats struct {
	Exchanges  int64 // batches that the store answered
	Failures   int64 // attempts that failed
	InDoubt    int64 // batches of which it was not known at some time whether they were applied
	Duplicates int64 // batches that had been applied when they were sent again
	Replayed   int64 // acknowledged batches that a store of LiteLLM's keys had lost, and took again
	Reseeded   int64 // times that a bucket began a new epoch, or was found emptied, and this node added its usage again
	Restored   int64 // times that a counter alone was found lost, for instance by eviction
	Refused    Count // usage that the store will never take: not shared
	Dropped    Count // usage not shared in time, or of a batch given up in doubt

	// Overrun is what was used beyond what escrow had granted: requests larger than their
	// reservation, and what Config.Away let pass.
	Overrun Count

	// Stranded is what this node has reserved and not used, at most, in windows that have not
	// ended, when the last exchange of [Syncer.Run] failed: no node can use it until they end.
	Stranded Count

	// Mode is how limits of minutes, hours and days are kept together: [Usage], although Config.Mode says otherwise, where the store cannot do better.
	Mode Mode
	// Granted and Own are what this node may use and has used of the current minute
	// under limits that are held by escrow, and Waiting is what requests that wait for
	// a grant would use.
	Granted, Own, Waiting Count
	Missed                int64 // requests that a ceiling refused at once though the limit had room
	Vain                  int64 // requests that waited for a grant and were refused
	// ByUsage is how many deployments this node keeps together by usage in a current window
	// though it is configured to hold a limit of theirs by Escrow:
	// [Syncer.AppendAccounts] says why.
	ByUsage int
	// Differing is how many deployments other nodes keep together in another mode than this
	// node is configured for, in the current minute. It follows them.
	Differing int

	// Opens is how long a store that is new or was emptied will not grant anything yet; 0 = it
	// grants, or nothing is held by escrow.
	Opens time.Duration

	// The same of days, which count what minutes count too.
	RefusedOfDays, DroppedOfDays Count

	Staleness time.Duration // since the last answer of the bucket that waits longest; 0 = no bucket has any deployments
	Keys      int           // deployments and windows kept in step
	Bytes     int64         // sent and received, as far as the store reports
	Forecast  Count         // what the others are believed to have used of current windows since the last totals
	Nodes     int           // that share the store; 0 = not known yet
	Unaware   int           // of Nodes, those of a version that shares usage whatever mode holds: they may pass limits that are held by escrow
	Outdated  int           // nodes alive of an older version, whose usage is in other counters; this node decides by policy until they have gone
	Interval  time.Duration // between two rounds, now
	RoundTrip time.Duration // of an exchange: moving average of the slowest bucket
	Offset    time.Duration // of the store's clock, as far as it is followed
	Away      bool          // part of the store does not answer, or has only just begun to
	Degraded  time.Duration // how long that has been so, in all
}

// Stats returns how the syncer is doing. It does not wait for an exchange.
func (s *Syncer) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Read()
	st := s.stats
	if s.reserver != nil {
		st.Mode = s.cfg.Mode
	}
	st.Nodes, st.Unaware, st.Outdated, st.Offset, st.Away, st.Degraded = s.nodes, s.unaware, s.outdated, s.follower.offset, s.away > 0, s.degraded
	if st.Away {
		st.Degraded += time.Duration(now - s.awaySince)
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

// byUsage reports whether a limit of a current window is kept together by usage that is
// configured for escrow.
func (d *deployment) byUsage(now int64) bool {
	for _, u := range d.windows {
		if now/1e9 < u.start || !u.runs(now) || d.elsewhere[u.kind] {
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

// escrow adds up the accounts of a window, if it is the current minute.
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
