package window

import (
	"fmt"
	"time"
)

// Kind says how long a window is, and when it begins.
type Kind uint8

const (
	KindMinute     Kind = iota // a UTC minute
	KindDay                    // a UTC day
	KindDayPacific             // a day in Los Angeles, daylight saving time observed
	KindHour                   // a UTC hour
	// Windows of the following kinds begin when a deployment's provider begins them, and
	// last for [Report.Length].
	KindPhased // a minute with a phase
	KindPart   // a part of a minute, with a phase or without
	KindSlice  // a second, of a bucket

	Kinds = iota // the number of kinds
)

// KindOf returns the kind of a day's window.
func KindOf(z Zone) Kind {
	if z == Pacific {
		return KindDayPacific
	}
	return KindDay
}

// Zone returns the zone by which days of the kind begin, and UTC for a kind that is no day.
func (k Kind) Zone() Zone {
	if k == KindDayPacific {
		return Pacific
	}
	return UTC
}

// Daily reports whether windows of the kind are days.
func (k Kind) Daily() bool { return k == KindDay || k == KindDayPacific }

// Long reports whether the kind is any other than KindMinute: hours, days, and windows that
// begin at times of their own.
func (k Kind) Long() bool { return k != KindMinute }

// Own reports whether windows of the kind begin when a deployment's provider begins them,
// and not by UTC or a time zone.
func (k Kind) Own() bool { return k >= KindPhased && k < Kinds }

// Index returns the number of the window of the kind that holds an epoch, counted from 1970.
// For windows that begin at times of their own it is the number of the minute.
func (k Kind) Index(epoch int64) int64 {
	switch {
	case k.Daily():
		return DayIndex(epoch, k.Zone())
	case k == KindHour:
		return epoch / 60
	}
	return epoch
}

// Span returns when the window of the kind that holds an instant begins and ends, all in
// Unix seconds. Of a window that begins at a time of its own it assumes that it begins at
// that instant, and lasts a second (KindSlice) or a minute.
func (k Kind) Span(at int64) (start, end int64) {
	switch k {
	case KindMinute:
		start = StartSeconds(EpochOf(at))
		return start, start + 60
	case KindHour:
		start = StartSeconds(EpochOf(at) / 60 * 60)
		return start, start + 3600
	case KindPhased, KindPart:
		return at, at + 60
	case KindSlice:
		return at, at + 1
	case KindDay, KindDayPacific:
	}
	d := DayOf(EpochOf(at), k.Zone())
	return d.Start / 1e9, d.End / 1e9
}

var kindNames = [Kinds]string{
	KindMinute: "minute", KindHour: "hour", KindDay: "day", KindDayPacific: "day-pacific", KindPhased: "phased", KindPart: "part", KindSlice: "slice",
}

// String returns the kind's name: "minute", "hour", "day", "day-pacific", "phased", "part" or
// "slice".
func (k Kind) String() string {
	if k < Kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// CallerPrefix begins the ID of a [Tally] that is a caller's, not a deployment's. The rest
// is the caller's own ID.
const CallerPrefix = "caller\x00"

// PoolPrefix begins the ID of a [Tally] that is a pool's: of limits that several deployments
// share. The rest is the pool's name.
const PoolPrefix = "pool\x00"

// Tally is the usage of one deployment, caller or pool in one window. Input and output
// tokens are parts of Tokens. They are counted if there are limits on them, and 0 otherwise.
type Tally struct {
	ID       string // a deployment's, or one that begins with CallerPrefix, PoolPrefix or LimitPrefix
	Start    int64  // when the window begins, Unix seconds
	Kind     Kind   // the window's kind
	Requests int64
	Tokens   int64
	Input    int64 // tokens
	Output   int64 // tokens
	// CoolUntil is the time until which the deployment cools down at least, in Unix
	// milliseconds; 0 = no cooldown is known. It is no count and belongs to no window: of
	// several the latest holds.
	CoolUntil int64
}

// Report is what an engine reports to the other nodes about one deployment, caller or pool in
// one window: this node's own usage so far, reservations included. It is cumulative: a later
// Report of the same window replaces an earlier one.
//
// A limit is in requests or tokens per window; 0 = unlimited, -1 = a limit of
// zero. An engine has no limits on the input and output of hours and days.
type Report struct {
	Tally
	RequestLimit int64
	TokenLimit   int64
	InputLimit   int64
	OutputLimit  int64
	// Loose is set if the limits are not on this window of this deployment alone: limits of
	// buckets, of minutes with a phase, of a pool. Nodes cannot hold them exactly by reserving
	// in the window.
	Loose bool
	// Covered is set beside Loose if reports of another kind, or of the deployment's pool,
	// have the same limits in windows in which nodes can hold them.
	Covered bool
	// Length is the window's length in seconds if it begins at a time of its own, else 0.
	Length int64
}

// Want is the demand that a node could not admit although limits had headroom, because
// ceilings (see [Share]) bound how much the node may use. Missed counts and Vain are since
// the last report; Waiting counts are as of now.
type Want struct {
	ID            string // the deployment that should be granted more
	Missed        int64  // refused requests
	MissedTokens  int64
	MissedInput   int64 // of MissedTokens
	Waiting       int64 // waiting requests
	WaitingTokens int64
	WaitingInput  int64 // of WaitingTokens
	Largest       int64 // the most tokens of one of these requests
	Vain          int64 // requests that have waited for a grant, and were refused
}

// Part returns one of n equal parts, each count rounded up. Largest and Vain stay whole. N is
// above 0.
func (w Want) Part(n int64) Want {
	return w.each(w, func(a, _ int64) int64 { return (a + n - 1) / n })
}

// each sets each count, except Largest and Vain, to f of that count of w and of o.
func (w Want) each(o Want, f func(a, b int64) int64) Want {
	w.Missed, w.Waiting = f(w.Missed, o.Missed), f(w.Waiting, o.Waiting)
	w.MissedTokens, w.WaitingTokens = f(w.MissedTokens, o.MissedTokens), f(w.WaitingTokens, o.WaitingTokens)
	w.MissedInput, w.WaitingInput = f(w.MissedInput, o.MissedInput), f(w.WaitingInput, o.WaitingInput)
	return w
}

// Plus returns the sum of two wants, with the ID of w and the larger Largest.
func (w Want) Plus(more Want) Want {
	w = w.each(more, func(a, b int64) int64 { return a + b })
	w.Largest = max(w.Largest, more.Largest)
	w.Vain += more.Vain
	return w
}

// Minus returns what remains of w without a part of it. Largest stays.
func (w Want) Minus(part Want) Want {
	w = w.each(part, func(a, b int64) int64 { return a - b })
	w.Vain -= part.Vain
	return w
}

// Share is what an engine receives about one deployment, caller or pool in one window: the
// usage of all other nodes, and how much this node may use.
//
// A ceiling is the most requests or tokens that this node may use in the window; 0 = no
// ceiling, -1 = a ceiling of zero. A Share of a pool, or of windows that begin at times of
// their own, has Start 0 if it is for all windows that no other Share names.
type Share struct {
	Tally           // the usage of the other nodes
	CeilingRequests int64
	CeilingTokens   int64
	CeilingInput    int64
	CeilingOutput   int64
	// Retry is the time after which the ceilings may change. A refusal by one of them
	// advises its caller to wait for so long, or until the window ends if that is sooner.
	// 0 = until the window ends.
	Retry time.Duration
	// ValidFor and Nodes belong to a Share without an ID, which is about no deployment:
	// all Shares applied so far and later are valid for ValidFor from now, and Nodes nodes
	// share the limits. ValidFor of 0 or less ends that. See the engine's ValidFor.
	ValidFor time.Duration
	Nodes    int
}
