package syncer

import "fmt"

// Mode is how the nodes keep a limit together. The zero value is Usage.
type Mode uint8

const (
	// Usage shares usage after the fact. It refuses no request that a node alone would
	// admit, and together the nodes may pass a limit a little.
	Usage Mode = iota
	// Escrow reserves budget in the store before it admits, so that together the nodes do
	// not pass the limit. It needs a [Reserver] as source and a store with epochs. Limits
	// whose reports are [window.Report.Loose] and not Covered are kept as in Usage.
	Escrow
	// Auto is Escrow, except for a limit that is too small for its callers, which is kept by
	// Usage. A limit is too small if callers that lack a grant are refused instead of waiting
	// and it holds less than twice the largest request for each node. Escrow holds it again
	// from four times that. Auto keeps buckets by Usage: under load a bucket is nearly
	// empty, and no node's share of its refill holds a large request.
	Auto
)

// String returns the name of the mode.
func (m Mode) String() string {
	switch m {
	case Usage:
		return "usage"
	case Escrow:
		return "escrow"
	case Auto:
		return "auto"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode returns the mode with a name: usage, escrow or auto. The error quotes the name.
func ParseMode(name string) (Mode, error) {
	for m := Usage; m <= Auto; m++ {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%q is no mode; want usage, escrow or auto", name)
}

// Modes holds the modes of a deployment's limits over windows of one kind. The zero value is
// Usage for all.
type Modes struct{ Requests, Tokens, Input, Output Mode }

// AllModes returns Modes of which each is m.
func AllModes(m Mode) Modes { return Modes{m, m, m, m} }

// list returns the modes in the order of Count's fields.
func (m Modes) list() [4]Mode { return [4]Mode{m.Requests, m.Tokens, m.Input, m.Output} }

// without returns m with Usage in place of mode.
func (m Modes) without(mode Mode) Modes {
	for _, is := range []*Mode{&m.Requests, &m.Tokens, &m.Input, &m.Output} {
		if *is == mode {
			*is = Usage
		}
	}
	return m
}

// String returns the modes of requests, tokens, input and output; one if all are alike.
func (m Modes) String() string {
	if m == AllModes(m.Requests) {
		return m.Requests.String()
	}
	return fmt.Sprintf("requests %v, tokens %v, input %v, output %v", m.Requests, m.Tokens, m.Input, m.Output)
}

// escrows reports whether any limit may be held by escrow.
func (m Modes) escrows() bool { return m != Modes{} }

// of returns the counts whose mode is mode.
func (m Modes) of(mode Mode) (c Counts) {
	for i, is := range m.list() {
		if is == mode {
			c |= 1 << i
		}
	}
	return c
}

// fixed returns the counts whose mode is not Auto.
func (m Modes) fixed() Counts { return ^m.of(Auto) }
