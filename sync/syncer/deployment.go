package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// grace is how many seconds after the end of the minute that follows it a
	// window's last changes may still be sent; a store keeps its keys longer.
	grace = 5
	// lingers is how many seconds after its end a window is kept.
	lingers = 60 + grace
	// lifetime is how many seconds a batch in doubt is sent again; a store keeps
	// its marker longer.
	lifetime = 120 + grace
	// livesFor is for how many epochs a deployment is kept up to date that no source
	// asks for any more.
	livesFor = 60
)

// deployment is what is known of one deployment.
type deployment struct {
	id     string
	limits Count                    // of a minute; 0 = unlimited, -1 = a limit of zero
	long   [window.Kinds]longLimits // of hours and days, by their kind
	exact  [window.Kinds]bool       // by kind of window: its limits are held by escrow
	modes  [window.Kinds]Modes      // as this node is configured
	loose  [window.Kinds]bool       // nodes cannot hold its limits exactly
	// elsewhere says of loose ones that windows of another kind, or the pool's, have the same.
	elsewhere [window.Kinds]bool
	grantless bool               // what could be held in windows of its own is kept by usage
	warned    [window.Kinds]bool // the log says so
	follows   [window.Kinds]bool // held by escrow because other nodes do
	differs   int64              // when a window was last found in another mode than configured, Unix nanoseconds; 0 = never
	auto      auto
	slices    *sliceTotals // of a bucket; nil: no total of one was asked for
	demand    demand

	missed, vain int64 // see Account
	seen         int64 // epoch in which the source last named it
	windows      []*usage
	cool         cooling
	over         [4]ended // windows that were swept last
	pacing       pacing
	paced        int64 // the last minute whose opening pacing knows
	// frozen says that the store is away: this node's share of each limit stays
	// what it was, for those of minutes and of days.
	frozen            bool
	part, partOfDaily parts
}

// longLimits are limits over windows that are not UTC minutes.
type longLimits struct {
	listed bool // the deployment has such limits
	limits Count
	// start is when one of the windows began, and length how long all last, in seconds, if
	// they begin at times of their own.
	start, length int64
}

// list takes in the limits of a report of an hour, a day or a window that begins at a time of
// its own. A deployment has days of one zone.
func (d *deployment) list(r *window.Report) {
	if r.Kind.Daily() {
		d.long[window.KindDay].listed, d.long[window.KindDayPacific].listed = false, false
	}
	l := &d.long[r.Kind]
	l.listed, l.limits = true, Count{Requests: r.RequestLimit, Tokens: r.TokenLimit}
	if r.Kind.Own() {
		l.limits.Input, l.limits.Output = r.InputLimit, r.OutputLimit
	}
}

// usage is what is known of one deployment in one window.
//
// At all times own = committed + flying + refused + what is yet to be sent.
type usage struct {
	d          *deployment
	kind       window.Kind
	start, end int64 // Unix seconds
	own        Count // this node's, as the source last reported it
	committed  Count // of it, what the store has acknowledged
	flying     Count // of it, what the batch under way adds
	refused    Count // of it, what the store will never take

	agreement
	accounts accounts // the limits that are held by escrow
	granted  bool     // ceiling is what they are granted
	broken   bool     // the store refuses the window's counters

	asked    bool   // read it in the next batch
	used     int64  // when own last changed
	shut     bool   // ceiling is that of a window of which nothing is known
	reported bool   // the source has the ceiling that was set while the store is away
	seq      uint64 // of the batch that last carried a delta
	read     uint64 // of the batch that last read it as another slice's neighbour
	known    bool   // total is of the store
	total    Count
	floor    Count // others' usage before the last loss, until the others can have added theirs again
	gap      Count // of it, what no node has added again
	low      int64 // since when total is below committed, Unix nanoseconds; 0 = it is not
	at       int64 // when total was read, Unix nanoseconds; 0 = never
	view           // what to pass to the source

	// Frozen when the store went away.
	base struct {
		known            bool
		committed, total Count
	}
}

// ended is what is remembered of a window that no longer counts, so that a report
// of it that comes late is not taken for usage that was not reported.
type ended struct {
	kind  window.Kind
	start int64
	own   Count
}

// forget remembers a window that is swept.
func (d *deployment) forget(u *usage) {
	copy(d.over[1:], d.over[:])
	d.over[0] = ended{u.kind, u.start, u.own}
}

// unsent returns what has yet to be reported to the store.
func (u *usage) unsent() Count {
	return u.own.minus(u.committed).minus(u.flying).minus(u.refused).unless(&u.accounts)
}

// dead reports whether it is too late to send changes of the window.
func (u *usage) dead(now int64) bool { return now/1e9 >= u.end+lingers }

// past reports whether the window after it has ended too: no node reads it any more.
func (u *usage) past(now int64) bool { return now/1e9 >= u.end+60 }

// runs reports whether the window has not ended.
func (u *usage) runs(now int64) bool { return now/1e9 < u.end }

// deadTally is dead for a window that may have been forgotten.
func deadTally(t window.Tally, now int64) bool {
	_, end := t.Kind.Span(t.Start)
	return now/1e9 >= end+lingers
}

// limits returns those of the window.
func (u *usage) limits() Count {
	if u.kind.Long() {
		return u.d.long[u.kind].limits
	}
	return u.d.limits
}

// counts returns which counts of the window are kept in step: those with a
// limit, those used, and always the requests and tokens of a minute.
func (u *usage) counts() Counts {
	c := u.limits().which() | u.own.which() | u.committed.which()
	if !u.kind.Long() {
		c |= CountRequests | CountTokens
	}
	return c
}

// window returns the usage in a window, or nil.
func (d *deployment) window(kind window.Kind, start int64) *usage {
	for _, u := range d.windows {
		if u.start == start && u.kind == kind {
			return u
		}
	}
	return nil
}

// open returns the usage in the window that begins at start, made if need be.
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

// live reports whether the deployment is to be kept up to date.
func (d *deployment) live(epoch int64) bool { return d.seen >= epoch-livesFor }

// share returns what is to be passed to the source.
func (u *usage) share() window.Share {
	o := u.others.plus(u.forecast)
	if u.kind.Long() && !u.known {
		o = Count{-1, -1, -1, -1} // what the source knows from elsewhere stays
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

// Retries are how long a refusal by a ceiling has its caller wait: until the first
// exchange, or while the store is away, which may be over at any time.
const (
	retryShut    = time.Second
	retryGranted = 150 * time.Millisecond // an interval and a round trip
	retryAway    = 5 * time.Second
)
