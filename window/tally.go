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
	// The following begin when a deployment's provider has them begin. They last as long as
	// [Report.Length] says.
	KindPhased // a minute with a phase
	KindPart   // a part of a minute, with a phase or without
	KindSlice  // a second, of a bucket

	Kinds = iota // how many there are
)

// KindOf returns the kind of a day's window.
func KindOf(z Zone) Kind {
	if z == Pacific {
		return KindDayPacific
	}
	return KindDay
}

// Zone returns where a kind's days begin; UTC for a minute.
func (k Kind) Zone() Zone {
	if k == KindDayPacific {
		return Pacific
	}
	return UTC
}

// Daily reports whether windows of the kind are days.
func (k Kind) Daily() bool { return k == KindDay || k == KindDayPacific }

// Long reports whether windows of the kind are longer than a minute.
func (k Kind) Long() bool { return k != KindMinute }

// Own reports whether windows of the kind begin when a deployment's provider has them begin,
// and not by UTC or a time zone.
func (k Kind) Own() bool { return k >= KindPhased && k < Kinds }

// Index returns the number of the window of a kind that holds an epoch, counted from 1970.
// Of windows that begin at times of their own it is the minute's.
func (k Kind) Index(epoch int64) int64 {
	switch {
	case k.Daily():
		return DayIndex(epoch, k.Zone())
	case k == KindHour:
		return epoch / 60
	}
	return epoch
}

// Span returns when the window of a kind begins that holds an instant, and when
// it ends; all in Unix seconds. Windows that begin at times of their own are taken to begin
// at that instant, and to last a second or a minute.
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

// String returns the kind's name: "minute", "hour", "day", "day-pacific", "phased", "part" or
// "slice".
func (k Kind) String() string {
	switch k {
	case KindMinute:
		return "minute"
	case KindHour:
		return "hour"
	case KindDay:
		return "day"
	case KindDayPacific:
		return "day-pacific"
	case KindPhased:
		return "phased"
	case KindPart:
		return "part"
	case KindSlice:
		return "slice"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// CallerPrefix begins the ID of a [Tally] that is a caller's, not a deployment's. The rest
// is the caller's own ID.
const CallerPrefix = "caller\x00"

// PoolPrefix begins the ID of a [Tally] that is a pool's: of limits that several deployments
// share. The rest is the pool's name.
const PoolPrefix = "pool\x00"

// Tally is the usage of one deployment, or one caller, in one window. Input and output
// tokens are parts of Tokens. They are counted where there are limits on them, and are 0
// elsewhere.
type Tally struct {
	ID       string // the deployment, or what CallerPrefix, PoolPrefix and LimitPrefix begin
	Start    int64  // when the window begins, Unix seconds
	Kind     Kind   // how long it is
	Requests int64
	Tokens   int64
	Input    int64 // tokens
	Output   int64 // tokens
	// CoolUntil is until when the deployment cools down at least, in Unix milliseconds; 0 =
	// it is not known to. It is no count and belongs to no window: of several the latest
	// holds.
	CoolUntil int64
}

// Report is what an engine reports to the other nodes about one deployment in one window:
// this node's own usage so far, reservations included. It is cumulative: a later Report of
// the same window replaces an earlier one.
//
// A limit is in requests or tokens per window; 0 = unlimited, -1 = a limit of
// zero. Limits on input and output belong to minutes.
type Report struct {
	Tally
	RequestLimit int64
	TokenLimit   int64
	InputLimit   int64
	OutputLimit  int64
	// Loose says that the limits are on something else than this window of this deployment
	// alone: buckets, minutes with a phase, limits of a pool. Nodes cannot hold them exactly
	// by reserving in the window.
	Loose bool
	// Elsewhere says of a report that is Loose that reports of another kind, or of the
	// deployment's pool, have the same limits in windows in which nodes can hold them.
	Elsewhere bool
	// Length is how long the window is, in seconds, if it begins at a time of its own; else 0.
	Length int64
}

// Want is what a node could not admit though limits had room, because ceilings (see
// [Share]) bound what the node may use. What is missed is counted since the last report,
// what waits is as of now.
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

// Part returns one of n equal parts, of at least one request if there is one left for
// each, with all that waited in vain; n is above 0.
func (w Want) Part(n int64) Want {
	up := func(a int64) int64 { return (a + n - 1) / n }
	w.Missed, w.MissedTokens, w.MissedInput = up(w.Missed), up(w.MissedTokens), up(w.MissedInput)
	w.Waiting, w.WaitingTokens, w.WaitingInput = up(w.Waiting), up(w.WaitingTokens), up(w.WaitingInput)
	return w
}

// Plus returns the sum of two wants; the largest is the larger one, the ID w's.
func (w Want) Plus(more Want) Want {
	w.Missed += more.Missed
	w.MissedTokens += more.MissedTokens
	w.MissedInput += more.MissedInput
	w.Waiting += more.Waiting
	w.WaitingTokens += more.WaitingTokens
	w.WaitingInput += more.WaitingInput
	w.Largest = max(w.Largest, more.Largest)
	w.Vain += more.Vain
	return w
}

// Less returns what is left of w without a part; the largest stays.
func (w Want) Less(part Want) Want {
	w.Missed -= part.Missed
	w.MissedTokens -= part.MissedTokens
	w.MissedInput -= part.MissedInput
	w.Waiting -= part.Waiting
	w.WaitingTokens -= part.WaitingTokens
	w.WaitingInput -= part.WaitingInput
	w.Vain -= part.Vain
	return w
}

// Share is what an engine receives about one deployment in one window: the usage of all
// other nodes, and how far this node's own usage may go.
//
// A ceiling is the most requests or tokens this node may use; 0 = no ceiling,
// -1 = a ceiling of zero. Of a pool, and of windows that begin at times of their own, a Share
// with Start 0 is of all windows that no Share names.
type Share struct {
	Tally           // what the others used
	CeilingRequests int64
	CeilingTokens   int64
	CeilingInput    int64
	CeilingOutput   int64
	// Retry is after how many nanoseconds the ceilings may be others: what a refusal by
	// one of them tells its caller to wait. 0 = until the window ends, which is the longest.
	Retry time.Duration
	// ValidFor and Nodes belong to a Share without an ID, which says nothing of a
	// deployment: what was brought, and will be, is valid for so long from now, of so many
	// nodes. 0 or less ends that. See the engine's ValidFor.
	ValidFor time.Duration
	Nodes    int
}
