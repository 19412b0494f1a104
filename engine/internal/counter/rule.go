package counter

import "github.com/plimsoll-dev/plimsoll/window"

// Dim is what a limit counts.
type Dim uint8

const (
	Input Dim = iota
	Output
	Tokens
	Requests
	Leases
	Dims = iota
)

// Shape says when usage goes away.
type Shape uint8

const (
	Minutes Shape = iota // at the end of a minute, which the owner publishes
	Hours                // at the end of an hour, with the owner's minute
	Days                 // at the end of a day, with the owner's minute
	Spans                // at the end of a span of the clock
	Dates                // at the end of a day of the clock
	Level                // all the time: a bucket
	Gauge                // when it is given back
)

// Rule says when usage goes away, in full.
type Rule struct {
	Shape
	Zone          window.Zone // of Days and Dates
	Length, Phase int64       // ns, of Spans
	// Granted says that the limit counts what this node alone uses, as far as it is granted:
	// a limit that nodes hold exactly in windows of the clock (protocol 8). In is the kind
	// of its windows for the nodes.
	Granted bool
	In      window.Kind
}

// Owned reports whether the limit's windows turn with its owner's minutes. Nodes
// exchange what such limits count.
func (r Rule) Owned() bool { return r.Shape <= Days }

// Long reports whether the windows, which turn with the owner's minutes, are longer than
// those.
func (r Rule) Long() bool { return r.Shape == Hours || r.Shape == Days }

// Clocked reports whether windows turn with the clock, opened by the caller that counts.
func (r Rule) Clocked() bool { return r.Shape == Spans || r.Shape == Dates }

// Timed reports whether the rule needs an instant.
func (r Rule) Timed() bool { return r.Clocked() || r.Shape == Level }

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

// At is when: a published minute, and an instant (Unix ns) for rules that need one.
type At struct{ Epoch, Now int64 }
