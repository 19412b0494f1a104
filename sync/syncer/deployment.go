package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// grace extends the time to send a window's last changes, in seconds: they may be sent
	// until grace after the end of the following minute. A store keeps its keys longer.
	grace = 5
	// lingers is how long a window is kept after its end, in seconds.
	lingers = 60 + grace
	// lifetime is how long a batch in doubt may be sent again, in seconds. It must stay below
	// the time for which a store keeps the batch's marker, or the batch could be added twice.
	lifetime = 120 + grace
	// livesFor is the number of minutes for which a deployment is kept up to date after the
	// source last named it.
	livesFor = 60
)

// deployment is this node's record of one deployment, pool or caller.
type deployment struct {
	id     string
	limits Count                    // of a minute; 0 = unlimited, -1 = a limit of zero
	long   [window.Kinds]longLimits // of hours and days, by their kind
	exact  [window.Kinds]bool       // by kind of window: its limits may be held by escrow
	modes  [window.Kinds]Modes      // as this node keeps its limits together, unless the store says otherwise
	// configured is how this node is configured to keep them together.
	configured [window.Kinds]Modes
	loose      [window.Kinds]bool // nodes cannot hold its limits exactly
	// covered marks loose limits that windows of another kind, or the pool, hold as well.
	covered   [window.Kinds]bool
	grantless bool               // limits over windows of its own, which escrow could hold, are kept by usage
	opened    [window.Kinds]bool // the source admits without grants in windows that no share has named
	warned    [window.Kinds]bool // the log has reported that its limits are loose
	follows   [window.Kinds]bool // its limits are held by escrow because other nodes do so
	differs   int64              // when a window was last found in another mode than configured, Unix nanoseconds; 0 = never
	auto      auto
	slices    *sliceTotals // of a bucket limit; nil = no total of one was read
	demand    demand

	missed, vain int64 // see Account
	seen         int64 // epoch (minute) in which the source last named it
	windows      []*usage
	cool         cooling
	over         [4]ended // the windows swept last, latest first
	pacing       pacing
	paced        int64 // start of the last minute whose opening was passed to pacing
	// frozen is set while the store is away. Part and partOfDaily are then this node's shares
	// of the limits of minutes and of longer windows, as of the last contact.
	frozen            bool
	part, partOfDaily parts
}

// longLimits are limits over windows that are not UTC minutes.
type longLimits struct {
	listed bool // the deployment has such limits
	limits Count
	// start and length describe windows that begin at a time of their own: the start of one of
	// them, in Unix seconds, and the length of each, in seconds. 0 = other windows.
	start, length int64
}

// list applies the limits in a report of a window that is not a UTC minute. A deployment's
// days are of one zone: a report of one zone replaces the other's.
func (d *deployment) list(r *window.Report) {
	if r.Kind.Daily() {
		d.long[window.KindDay].listed, d.long[window.KindDayPacific].listed = false, false
	}
	l := &d.long[r.Kind]
	l.listed, l.limits = true, Count{Requests: r.RequestLimit, Tokens: r.TokenLimit, Input: r.InputLimit, Output: r.OutputLimit}
}

// usage is this node's record of one deployment in one window.
//
// Invariant: own = acked + inFlight + refused + unsent.
type usage struct {
	d          *deployment
	kind       window.Kind
	start, end int64 // Unix seconds
	own        Count // this node's usage, as the source last reported it
	acked      Count // part of own that the store has acknowledged
	inFlight   Count // part of own that the batch in flight adds
	refused    Count // part of own that the store has rejected for good

	agreement
	accounts accounts // the limits that are held by escrow
	granted  bool     // ceiling is what the accounts are granted
	broken   bool     // the store refuses the window's counters

	asked    bool   // the next batch must read the total
	used     int64  // when own last changed, Unix nanoseconds
	shut     bool   // ceiling was set by shut, because the total is not known
	reported bool   // the source has the ceiling that was set while the store is away
	seq      uint64 // of the batch that last carried a delta of the window
	read     uint64 // of the batch that last read the total as another slice's neighbour
	known    bool   // the store has reported total
	total    Count
	floor    Count // the other nodes' usage before the last loss, until they can have added theirs again
	gap      Count // part of floor that no node has added again
	low      int64 // since when total is below acked, Unix nanoseconds; 0 = it is not
	at       int64 // when total was read, Unix nanoseconds; 0 = never
	view           // what is passed to the source

	// base is the state when the store went away.
	base struct {
		known        bool
		acked, total Count
	}
}

// ended records the usage of a swept window. A late report of that window is compared with
// it, so that only the difference counts as dropped.
type ended struct {
	kind  window.Kind
	start int64
	own   Count
}

// forget records a window that is being swept in d.over.
func (d *deployment) forget(u *usage) {
	copy(d.over[1:], d.over[:])
	d.over[0] = ended{u.kind, u.start, u.own}
}

// unsent returns the usage that the store has not received, without limits held by escrow,
// whose accounts report for themselves.
func (u *usage) unsent() Count {
	return u.own.minus(u.acked).minus(u.inFlight).minus(u.refused).unless(&u.accounts)
}

// unshared returns the usage that the store has not received, with limits held by escrow: what
// this node has asked for, and not used, is no usage.
func (u *usage) unshared() Count {
	c, own := u.unsent().list(), u.own.list()
	for i, a := range u.accounts {
		if a != nil {
			c[i] = a.Uncounted(own[i])
		}
	}
	return countFrom(c)
}

// dead reports whether changes of the window can no longer be sent.
func (u *usage) dead(now int64) bool { return now/1e9 >= u.end+lingers }

// past reports whether the minute after the window has ended too, so that no node reads it
// any more.
func (u *usage) past(now int64) bool { return now/1e9 >= u.end+60 }

// runs reports whether the window has not ended.
func (u *usage) runs(now int64) bool { return now/1e9 < u.end }

// deadTally is dead for the window of a tally, which may have been swept.
func deadTally(t window.Tally, now int64) bool {
	_, end := t.Kind.Span(t.Start)
	return now/1e9 >= end+lingers
}

// limits returns the limits of the window.
func (u *usage) limits() Count {
	if u.kind.Long() {
		return u.d.long[u.kind].limits
	}
	return u.d.limits
}

// counts returns the counts of the window that the nodes exchange: those with a limit,
// those used, and always the requests and tokens of a minute.
func (u *usage) counts() Counts {
	c := u.limits().which() | u.own.which() | u.acked.which()
	if !u.kind.Long() {
		c |= CountRequests | CountTokens
	}
	return c
}

// window returns the record of a window, or nil.
func (d *deployment) window(kind window.Kind, start int64) *usage {
	for _, u := range d.windows {
		if u.start == start && u.kind == kind {
			return u
		}
	}
	return nil
}

// open returns the record of the window that begins at start, and creates it if need be.
func (d *deployment) open(kind window.Kind, start int64) *usage {
	u := d.window(kind, start)
	if u == nil {
		_, end := kind.Span(start)
		if length := d.long[kind].length; length != 0 {
			end = start + length
		}
		u = &usage{d: d, kind: kind, start: start, end: end}
		d.windows = append(d.windows, u)
	}
	return u
}

// live reports whether the source has named the deployment within livesFor, so that its
// totals are kept up to date.
func (d *deployment) live(epoch int64) bool { return d.seen >= epoch-livesFor }

// share returns the window's share for the source.
func (u *usage) share() window.Share {
	o := u.remote.plus(u.forecast)
	if u.kind.Long() && !u.known {
		o = Count{-1, -1, -1, -1} // unknown: the source keeps its previous value
	}
	s := window.Share{
		Tally:           o.tally(u),
		CeilingRequests: u.ceiling.Requests, CeilingTokens: u.ceiling.Tokens,
		CeilingInput: u.ceiling.Input, CeilingOutput: u.ceiling.Output,
	}
	switch {
	case u.granted:
		s.Retry = retryGranted
	case u.shut:
		s.Retry = retryShut
	case u.ceiling != Count{}:
		s.Retry = retryAway
	}
	return s
}

// Retry-After of a refusal by a ceiling: before the first exchange, under escrow, and while
// the store is away, which may end at any time.
const (
	retryShut    = time.Second
	retryGranted = 150 * time.Millisecond // an interval and a round trip
	retryAway    = 5 * time.Second
)
