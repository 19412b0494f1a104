package provider

import (
	"iter"
	"strings"
	"time"
)

// Signal is what one answer of a provider said about the limits of the
// deployment that gave it. The zero Signal says nothing.
type Signal struct {
	// Kind is what became of the call.
	Kind Kind
	// Worked says that the provider may have worked on the call before it failed, so
	// that what it counted is unknown: after a 5xx, a timeout or an error inside an
	// answer. A call that was refused for a limit, a key or its content was not begun.
	Worked bool
	// Weak says that the failure is an assumption, such as a client that gave up: it
	// ranks the deployment behind others, and cools nothing down.
	Weak bool
	// RetryAfter is how long the provider asks to stay away, rounded up to the
	// millisecond; 0 = it did not say. It is at most [MaxRetryAfter], an hour where a
	// limit per hour is used up, or ends with
	// the provider's day where a limit per day is used up.
	RetryAfter time.Duration
	readings   [InFlight]Reading // of every limit over a span
}

// Reading returns what the answer reported of a limit; the zero Reading if nothing.
func (s Signal) Reading(l Limit) Reading {
	if int(l) >= len(s.readings) {
		return Reading{}
	}
	return s.readings[l]
}

// Readings yields the limits that the answer reported something of, in the order of
// [AllLimits].
func (s Signal) Readings() iter.Seq2[Limit, Reading] {
	return func(yield func(Limit, Reading) bool) {
		for l, r := range s.readings {
			if r != (Reading{}) && !yield(Limit(l), r) {
				return
			}
		}
	}
}

// Reports reports whether the answer reported something of any limit.
func (s Signal) Reports() bool { return s.readings != [InFlight]Reading{} }

// With returns a copy of the signal with a reading of a limit; for signals that are not
// read from an answer by [Read]. A limit that no provider reports, such as [InFlight],
// changes nothing.
func (s Signal) With(l Limit, r Reading) Signal {
	if l != NoLimit && int(l) < len(s.readings) {
		s.readings[l] = r
	}
	return s
}

// Reading is what an answer reported of one limit.
type Reading struct {
	Limit        int64 // 0 = not reported
	Remaining    int64 // below 0 after an overrun; means nothing unless HasRemaining
	HasRemaining bool  // Remaining was reported
	// Grain is what Remaining is rounded to a multiple of; 0 = exact.
	Grain int64
	// Reset is how long until the limit is unused again, from the answer on: a
	// bucket is full, a window ends. At most [MaxReset]; 0 = not reported.
	Reset time.Duration
}

// ResetGrain returns by how much Reset may have been rounded up: a second where
// it is whole seconds, else a millisecond.
func (v Reading) ResetGrain() time.Duration {
	if v.Reset%time.Second == 0 {
		return time.Second
	}
	return time.Millisecond
}

// Kind is what became of a call.
type Kind uint8

const (
	Fine       Kind = iota // nothing was refused
	RateLimit              // a limit is used up for now: another deployment may have room
	TooLarge               // this request never fits here; smaller ones may, and another model may take it
	NoMoney                // the account has nothing left; waiting does not help soon
	Overloaded             // the provider has no capacity, whatever the limits
	Other                  // the deployment's fault: its key, account, region, model or name, or it failed
	Rejected               // the request's fault: it says nothing of the deployment
)

var kinds = []string{"fine", "rate limit", "too large", "no money", "overloaded", "other", "rejected"}

// String returns the kind in words.
func (k Kind) String() string { return nameOf(kinds, int(k), "Kind") }

const (
	// MaxRetryAfter is the longest that a Signal asks to stay away because of a
	// limit per minute, whatever was said: providers have asked for a day.
	MaxRetryAfter = 10 * time.Minute
	// MaxReset is the longest Reset: a day of 25 hours.
	MaxReset = 25 * time.Hour
	// maxFigure is where limits and what remains of them end, either way.
	maxFigure = int64(1) << 42
)

// Answer is what there is to read of an answer.
type Answer struct {
	// Provider is a name that [Preset] knows; others are read by their headers'
	// names alone.
	Provider string
	// Status is the HTTP status. Errors inside a stream come with 200.
	Status int
	// Header returns the value of a header by its name, in any case; "" = none.
	// Nil = no headers.
	Header func(name string) string
	// Body is the body of a refusal, or the data of an error event in a stream. Other
	// events, and answers in JSON that report no error, are read as no error. Only its first
	// 64 KiB are read.
	Body []byte
	// At is when the answer came.
	At time.Time
}

// Read returns what an answer said. It never fails: what it does not understand
// it leaves out.
func Read(a Answer) Signal {
	var s Signal
	r := reader{Answer: a, out: &s}
	if p := find(a.Provider); p != nil {
		r.Provider = p.name
	}
	r.readHeaders()
	var e refusal
	if len(a.Body) != 0 {
		e = readRefusal(a.Body)
	}
	if e.kind == "" && a.Status >= 400 {
		e.kind = strings.ToLower(r.header("x-amzn-errortype")) // AWS, where the body does not say
		e.codes += " " + squeeze(e.kind)
	}
	s.Kind, s.Worked = r.classify(&e)
	if s.Kind == Fine {
		return s
	}
	r.readFigures(&e)
	s.RetryAfter = r.retryAfter(&e)
	return s
}

type reader struct {
	Answer
	out    *Signal
	dated  bool          // the answer's own Date was read
	ahead  time.Duration // how far that is ahead of At
	status int           // Status, or what an error inside an answer says it would have been
}

func (r *reader) header(name string) string {
	if r.Header == nil {
		return ""
	}
	return r.Header(name)
}
