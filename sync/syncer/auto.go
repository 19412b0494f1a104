package syncer

const (
	// Auto keeps a limit whose callers do not wait by usage if it is below autoOff times the
	// largest request times the number of nodes, and holds it by escrow above autoOn times that.
	// In between the last decision stays.
	autoOn, autoOff = 4, 2
	// manyCallers is the number of counted callers at which both counts are halved, so that old
	// observations lose weight.
	manyCallers = 1000
)

// callers counts the callers of a deployment that lacked a grant: those that waited for it
// and those that were refused at once. Halving makes the counts fractional.
type callers struct{ waited, refused float64 }

// saw adds callers.
func (c *callers) saw(waited, refused int64) {
	c.waited += float64(waited)
	c.refused += float64(refused)
	if c.waited+c.refused > manyCallers {
		c.waited, c.refused = c.waited/2, c.refused/2
	}
}

// wait reports whether most of the counted callers waited.
func (c *callers) wait() bool { return c.refused < c.waited }

// known reports whether any caller has lacked a grant.
func (c *callers) known() bool { return c.refused+c.waited > 0 }

// auto marks the limits of a deployment in mode Auto that are too small for escrow, in the
// order of Count's fields.
type auto struct{ usage [4]bool }

// follow adopts the modes of a window from the other nodes. A node whose own callers have
// lacked grants keeps its own decision.
func (a *auto) follow(d *demand, held Held) {
	if d.callers.known() {
		return
	}
	for i := range a.usage {
		a.usage[i] = held.Escrow()&(1<<i) == 0
	}
}

// escrow decides whether the i-th limit of a window that is about to be opened is held by
// escrow. A limit of zero, which admits nothing, is decided like any other.
func (a *auto) escrow(d *demand, i int, limit int64, nodes int) bool {
	m := &d.of[i]
	request := float64(nodes) * max(m.large, m.mean, 1)
	switch {
	case d.callers.wait() || float64(limit) > autoOn*request:
		a.usage[i] = false
	case !d.callers.known(): // this node has observed nothing: the last decision stays, see follow
	case float64(limit) < autoOff*request:
		a.usage[i] = true
	}
	return !a.usage[i]
}
