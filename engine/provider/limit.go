package provider

import (
	"fmt"
	"iter"
	"slices"
)

// Limit is a kind of limit: the quantity that it counts and the span over which it counts. Code
// that lists limits ranges over [AllLimits]. The zero value is [NoLimit].
//
// Values from [Limits] on are no limits: package engine has its other reasons to
// refuse a demand there.
type Limit uint8

const (
	NoLimit   Limit = iota // the zero value: no limit
	RPM                    // requests per minute
	TPM                    // tokens per minute
	InputTPM               // input tokens per minute
	OutputTPM              // output tokens per minute
	RPH                    // requests per hour
	TPH                    // tokens per hour
	RPD                    // requests per day
	TPD                    // tokens per day
	InFlight               // calls in flight at once, on one node; no provider reports it

	Limits = iota // one more than the last limit
)

// limitRow describes a kind of limit. A new kind is one constant and one row of the table below,
// and a field of engine.Limits with its case of Of. docs/ARCHITECTURE.md says what a new span
// needs.
type limitRow struct {
	name   string // in JSON and labels of metrics
	key    string // in configurations
	field  string // of engine.Limits
	counts Quantity
	per    Span
}

var limitRows = [Limits]limitRow{
	NoLimit:   {name: "none"},
	RPM:       {"rpm", "rpm", "RPM", Requests, PerMinute},
	TPM:       {"tpm", "tpm", "TPM", Tokens, PerMinute},
	InputTPM:  {"input_tpm", "input_tpm", "InputTPM", InputTokens, PerMinute},
	OutputTPM: {"output_tpm", "output_tpm", "OutputTPM", OutputTokens, PerMinute},
	RPH:       {"rph", "rph", "RPH", Requests, PerHour},
	TPH:       {"tph", "tph", "TPH", Tokens, PerHour},
	RPD:       {"rpd", "rpd", "RPD", Requests, PerDay},
	TPD:       {"tpd", "tpd", "TPD", Tokens, PerDay},
	InFlight:  {"in_flight", "max_in_flight", "MaxInFlight", Calls, AtOnce},
}

// reasonNames are the names of the reasons that package engine adds to the limits, in the order
// of its constants.
var reasonNames = []string{"cooldown", "disabled", "share"}

// Quantity is what a limit counts. The zero value is that of a Limit that is no limit.
type Quantity uint8

const (
	Requests     Quantity = iota + 1 // calls admitted
	Tokens                           // of input and output
	InputTokens                      // of input
	OutputTokens                     // of output
	Calls                            // that have not ended
)

var quantities = []string{"", "requests", "tokens", "input tokens", "output tokens", "calls"}

// String returns the quantity in words, such as "input tokens".
func (q Quantity) String() string { return nameOf(quantities, int(q), "Quantity") }

// Span is the time over which a limit counts. The zero value is that of a Limit that is no limit.
type Span uint8

const (
	PerMinute Span = iota + 1
	PerHour
	PerDay
	AtOnce // no span: the calls in flight now
)

var spans = []string{"", "per minute", "per hour", "per day", "in flight"}

// String returns the span in words, such as "per minute".
func (s Span) String() string { return nameOf(spans, int(s), "Span") }

// AllLimits yields every kind of limit, in the order of the constants.
func AllLimits() iter.Seq[Limit] {
	return func(yield func(Limit) bool) {
		for l := NoLimit + 1; l < Limits && yield(l); l++ {
		}
	}
}

// LimitOf returns the limit that counts a quantity over a span; [NoLimit] if there is
// none.
func LimitOf(q Quantity, s Span) Limit {
	i := slices.IndexFunc(limitRows[:], func(r limitRow) bool { return r.counts == q && r.per == s })
	return Limit(max(i, 0))
}

// Counts returns the quantity that the limit counts; 0 for a value that is no limit.
func (l Limit) Counts() Quantity { return l.row().counts }

// Per returns the span over which the limit counts; 0 for a value that is no limit.
func (l Limit) Per() Span { return l.row().per }

// CountsTokens reports whether the limit counts tokens of any kind.
func (l Limit) CountsTokens() bool {
	q := l.Counts()
	return q == Tokens || q == InputTokens || q == OutputTokens
}

// Field returns the name of the limit's field in the engine's Limits, such as
// "InputTPM"; "" for a value that is no limit.
func (l Limit) Field() string { return l.row().field }

// Key returns the limit's key in configuration files, such as "input_tpm"; "" for a
// value that is no limit.
func (l Limit) Key() string { return l.row().key }

func (l Limit) row() *limitRow {
	if l >= Limits {
		l = NoLimit
	}
	return &limitRows[l]
}

// Describe returns the limit in words, such as "tokens per day"; its name if it is no
// limit.
func (l Limit) Describe() string {
	if l.Per() == 0 {
		return l.String()
	}
	return l.Counts().String() + " " + l.Per().String()
}

// String returns the limit's name in JSON and metrics, such as "input_tpm"; "none" for [NoLimit].
func (l Limit) String() string {
	if l < Limits {
		return limitRows[l].name
	}
	return nameOf(reasonNames, int(l-Limits), "Limit")
}

// MarshalText implements [encoding.TextMarshaler]. The error is always nil.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts the names that
// [Limit.String] returns; the error for another text lists them.
func (l *Limit) UnmarshalText(text []byte) error {
	for i := range Limit(Limits + len(reasonNames)) {
		if i.String() == string(text) {
			*l = i
			return nil
		}
	}
	return fmt.Errorf("provider: unknown limit %q; use one of %s", text, limitNames())
}

func limitNames() (names string) {
	for l := range AllLimits() {
		names += ", " + l.String()
	}
	return "none" + names
}
