package counter

import "github.com/plimsoll-dev/plimsoll/window"

// Dim is the dimension that a limit counts.
type Dim uint8

// The dimensions. Those of tokens come first: see limit.counts of the engine.
const (
	Input Dim = iota
	Output
	Tokens
	Requests
	Leases
	Dims = iota
)

// Shape is when usage expires.
type Shape uint8

const (
	Minutes Shape = iota // at the end of a minute, which the owner publishes
	Hours                // at the end of an hour, with the owner's minute
	Days                 // at the end of a day, with the owner's minute
	Spans                // at the end of a span of the clock
	Dates                // at the end of a day of the clock
	Level                // continuously: a bucket
	Gauge                // only when it is given back
)

// Rule is when usage expires, with the parameters of the shape.
type Rule struct {
	Shape
	Zone          window.Zone // of Days and Dates
	Length, Phase int64       // ns, of Spans
	// Granted is set if the limit counts the usage of this node alone, up to its grant: it is
	// the limit by which nodes hold another one exactly (protocol 8). In is the kind of its
	// windows in reports and shares.
	Granted bool
	In      window.Kind
}

// Owned reports whether the limit's windows turn with its owner's minutes. Nodes
// exchange the usage of such limits.
func (s Shape) Owned() bool { return s <= Days }

// Long reports whether the windows turn with the owner's minutes and are longer than a minute.
func (s Shape) Long() bool { return s == Hours || s == Days }

// Clocked reports whether windows follow the clock. The caller that counts first opens them.
func (s Shape) Clocked() bool { return s == Spans || s == Dates }

// Timed reports whether the rule needs an instant.
func (s Shape) Timed() bool { return s.Clocked() || s == Level }

// Kind returns the kind of an owned or granted limit's windows.
func (r Rule) Kind() window.Kind {
	if r.Granted {
		return r.In
	}
	switch r.Shape {
	case Days:
		return window.KindOf(r.Zone)
	case Hours:
		return window.KindHour
	default:
		return window.KindMinute
	}
}

// At is a moment: a published minute, and an instant (Unix ns) for rules that need one.
type At struct{ Epoch, Now int64 }
