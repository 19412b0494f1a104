package top

import (
	"cmp"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Order is the sort order of rows.
type Order uint8

// The orders. All but the first list deployments without headings of groups.
const (
	ByGroup    Order = iota // as the daemon lists them, group by group
	ByFullness              // the fullest first
	ByTrouble               // those that are off, cooling down or full first
	ByName
	orders
)

// String returns the order's name.
func (o Order) String() string {
	return [orders]string{"group", "fullest", "trouble", "name"}[o%orders]
}

// sorted returns states in an order; equal ones keep theirs.
func sorted(states []engine.State, o Order) []engine.State {
	out := slices.Clone(states)
	fuller := func(a, b engine.State) int { return cmp.Compare(b.Utilization, a.Utilization) }
	switch o {
	case ByFullness:
		slices.SortStableFunc(out, fuller)
	case ByTrouble:
		slices.SortStableFunc(out, func(a, b engine.State) int {
			return cmp.Or(cmp.Compare(severity(&b), severity(&a)), fuller(a, b))
		})
	case ByName:
		slices.SortStableFunc(out, func(a, b engine.State) int {
			return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.ID, b.ID))
		})
	default:
	}
	return out
}

// severity ranks the reasons why a deployment cannot be picked.
func severity(s *engine.State) int {
	switch {
	case s.CoolingFor > 0:
		return 4
	case s.HalfOpen:
		return 3
	case s.Utilization >= 1:
		return 2
	case !s.Enabled: // on purpose
		return 1
	}
	return 0
}
