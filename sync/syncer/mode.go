package syncer

import "fmt"

// Mode says how the nodes keep a limit together.
type Mode uint8

const (
	// Usage shares what was used, after the fact: no request is refused that one node
	// alone would admit, and together the nodes may pass a limit a little.
	Usage Mode = iota
	// Escrow reserves in the store before it admits: together the nodes do not pass the
	// limit. It needs a [Reserver] as source and a store with epochs. Limits whose
	// reports are [window.Report.Loose] and not Elsewhere are kept together as in Usage.
	Escrow
	// Auto is Escrow, and Usage for a window of a limit that is too small for its callers:
	// they do not wait for a grant, and the limit holds less than twice the largest
	// request for each node. Such a limit is held by Escrow again when it holds four
	// times that. A bucket is kept by Usage: under load it is nearly empty, and no node's share
	// of what it refills by holds a large request.
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

// ParseMode returns the mode of a name, which an error quotes.
func ParseMode(name string) (Mode, error) {
	for m := Usage; m <= Auto; m++ {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%q is no mode; want usage, escrow or auto", name)
}

// Modes are those of a deployment's limits over windows of one kind.
type Modes struct{ Requests, Tokens, Input, Output Mode }

// AllModes returns Modes that are all alike.
func AllModes(m Mode) Modes { return Modes{m, m, m, m} }

// list returns the modes in the order of Count's fields.
func (m Modes) list() [4]Mode { return [4]Mode{m.Requests, m.Tokens, m.Input, m.Output} }

// without returns the modes with Usage in place of one.
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

// of returns the counts that have a mode.
func (m Modes) of(mode Mode) (c Counts) {
	for i, is := range m.list() {
		if is == mode {
			c |= 1 << i
		}
	}
	return c
}

// fixed returns the counts of which the modes leave no choice, as Auto does.
func (m Modes) fixed() Counts { return ^m.of(Auto) }
