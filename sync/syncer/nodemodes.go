package syncer

import "strings"

// NodeModes is the mode for which a node is configured, and whether any of its limits has
// another. Stores keep it with the node's name, so that each node can compare it with its own.
// The zero value is unknown.
type NodeModes uint8

const (
	knownModes NodeModes = 1 << 7
	// deviatingModes is set where a limit of the node has another mode than the node.
	deviatingModes NodeModes = 1 << 6
)

// deviating ends the text of modes of which a limit has another.
const deviating = "+"

// NodeModesOf returns the NodeModes of a node that is configured for m, and some of whose limits
// have another mode if it deviates.
func NodeModesOf(m Mode, deviates bool) NodeModes {
	n := knownModes | NodeModes(m)
	if deviates {
		n |= deviatingModes
	}
	return n
}

// ParseNodeModes reads what String wrote. Any other text is unknown.
func ParseNodeModes(text string) NodeModes {
	name, deviates := strings.CutSuffix(text, deviating)
	m, err := ParseMode(name)
	if err != nil {
		return 0
	}
	return NodeModesOf(m, deviates)
}

// Mode returns the mode that a node is configured for, and whether it is known.
func (n NodeModes) Mode() (m Mode, ok bool) {
	return Mode(n &^ (knownModes | deviatingModes)), n&knownModes != 0
}

// deviates reports whether a limit of the node has another mode.
func (n NodeModes) deviates() bool { return n&deviatingModes != 0 }

// String returns the name of the mode, with a plus sign where a limit has another; "" =
// unknown.
func (n NodeModes) String() string {
	m, ok := n.Mode()
	switch {
	case !ok:
		return ""
	case n.deviates():
		return m.String() + deviating
	}
	return m.String()
}
