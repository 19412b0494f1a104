package provider

import (
	"iter"
	"strings"
	"time"
)

// Signal is what one answer of a provider reported of the limits of the
// deployment that answered. The zero Signal is a successful call without any report.
type Signal struct {
	// Kind is the outcome of the call.
	Kind Kind
	// Worked is set if the provider may have worked on the call before it failed, so
	// that its count is unknown: after a 5xx, a timeout or an error inside an
	// answer. A call that was refused for a limit, a key or its content was not begun.
	Worked bool
	// Weak is set if the failure is an assumption, such as a client that gave up. It only
	// ranks the deployment behind others, and begins no cooldown.
	Weak bool
	// RetryAfter is the wait that the provider advises, rounded up to the
	// millisecond; 0 = it advises none. It is at most [MaxRetryAfter], an hour if a
	// limit per hour is used up, or until the end of
	// the provider's day if a limit per day is used up.
	RetryAfter time.Duration
	readings   [InFlight]Reading // by limit, of every limit over a span
}

// Reading returns what the answer reported of a limit; the zero Reading if it reported nothing.
func (s Signal) Reading(l Limit) Reading {
	if int(l) >= len(s.readings) {
		return Reading{}
	}
	return s.readings[l]
}

// Readings yields the limits for which the answer reported a figure, in the order of
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

// Reports reports whether the answer reported a figure of any limit.
func (s Signal) Reports() bool { return s.readings != [InFlight]Reading{} }

// With returns a copy of the signal with a reading of a limit, for signals that are not
// read from an answer by [Read]. For a limit that no provider reports, such as [InFlight], the
// copy is unchanged.
func (s Signal) With(l Limit, r Reading) Signal {
	if l != NoLimit && int(l) < len(s.readings) {
		s.readings[l] = r
	}
	return s
}

// Reading is what an answer reported of one limit.
type Reading struct {
	Limit        int64 // tokens or requests; 0 = not reported
	Remaining    int64 // tokens or requests, below 0 after an overrun; no meaning unless HasRemaining
	HasRemaining bool  // Remaining was reported
	// Grain is the number to a multiple of which Remaining is rounded; 0 = exact.
	Grain int64
	// Reset is the time from the answer until the limit is unused again: until a
	// bucket is full or a window ends. At most [MaxReset]; 0 = not reported.
	Reset time.Duration
}

// ResetGrain returns by how much Reset may have been rounded up: a second if
// it is in whole seconds, else a millisecond.
func (v Reading) ResetGrain() time.Duration {
	if v.Reset%time.Second == 0 {
		return time.Second
	}
	return time.Millisecond
}

// Kind is the outcome of a call.
type Kind uint8

const (
	Fine       Kind = iota // nothing was refused
	RateLimit              // a limit is used up for now; another deployment may have headroom
	TooLarge               // this request never fits here; smaller ones may, and another model may accept it
	NoMoney                // the account is empty; a short wait does not help
	Overloaded             // the provider has no capacity, whatever the limits
	Other                  // a fault of the deployment: its key, account, region, model or name; or it failed
	Rejected               // a fault of the request, and none of the deployment
)

var kinds = []string{"fine", "rate limit", "too large", "no money", "overloaded", "other", "rejected"}

// String returns the kind in words.
func (k Kind) String() string { return nameOf(kinds, int(k), "Kind") }

const (
	// MaxRetryAfter is the longest RetryAfter of a Signal because of a
	// limit per minute. Longer ones are cut: providers have sent a day.
	MaxRetryAfter = 10 * time.Minute
	// MaxReset is the longest Reset: a day of 25 hours.
	MaxReset = 25 * time.Hour
	// maxFigure bounds limits and remainders, which are from -maxFigure to maxFigure.
	maxFigure = int64(1) << 42
)

// Answer is the input of [Read]: the parts of an answer that it reads.
type Answer struct {
	// Provider is a name that [Preset] accepts. Answers of other providers are read by the
	// names of their headers alone.
	Provider string
	// Status is the HTTP status. Errors inside a stream come with 200.
	Status int
	// Header returns the value of a header by its name, in any case; "" = none.
	// Nil = no headers.
	Header func(name string) string
	// Body is the body of a refusal, or the data of an error event in a stream. Other
	// events, and answers in JSON that report no error, are read as no error. Only the first
	// 64 KiB of Body are read.
	Body []byte
	// At is when the answer was received.
	At time.Time
}

// Read returns the signal of an answer. It never fails: figures that it cannot read are left
// out.
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
		e.kind = strings.ToLower(r.header("x-amzn-errortype")) // AWS, if the body has no type
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
	dated  bool          // the Date header was read
	ahead  time.Duration // how far Date is ahead of At
	status int           // Status, or the status that an error inside an answer names
}

func (r *reader) header(name string) string {
	if r.Header == nil {
		return ""
	}
	return r.Header(name)
}
