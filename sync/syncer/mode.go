package syncer

import "fmt"

// Mode says how the nodes keep a limit together.
type Mode uint8

const (
	// Usage shares what was used, after the fact: no request is refused that one node
	// alone would admit, and together the nodes may pass a limit a little.
	Usage Mode = iota
	// Escrow reserves in the store before it admits: together the nodes do not pass a
	// limit of a minute, an hour or a day. It needs a [Reserver] as source and
	// a store with epochs. Other limits, and those of deployments whose reports are
	// [window.Report.Loose], are kept together as in Usage.
	Escrow
)

// String returns the name of the mode.
func (m Mode) String() string {
	switch m {
	case Usage:
		return "usage"
	case Escrow:
		return "escrow"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}
