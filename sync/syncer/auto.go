package syncer

const (
	// A limit of Auto whose callers do not wait is held by escrow above so many times a
	// largest request for each node, and kept by usage below.
	autoOn, autoOff = 4, 2
	// manyCallers is above which callers are counted with half their weight: what they did
	// long ago fades.
	manyCallers = 1000
)

// callers is how many of a deployment's callers that lacked a grant waited for it, and how
// many were refused at once.
type callers struct{ waited, refused float64 }

// saw takes in callers.
func (c *callers) saw(waited, refused int64) {
	c.waited += float64(waited)
	c.refused += float64(refused)
	if c.waited+c.refused > manyCallers {
		c.waited, c.refused = c.waited/2, c.refused/2
	}
}

// wait reports whether most callers wait.
func (c *callers) wait() bool { return c.refused < c.waited }

// known reports whether there were any.
func (c *callers) known() bool { return c.refused+c.waited > 0 }

// auto is which limits of a deployment in mode Auto are too small for escrow.
type auto struct{ usage [4]bool }

// follow adopts the modes of a window on a node whose callers have needed no grant.
func (a *auto) follow(d *demand, held Held) {
	if d.callers.known() {
		return
	}
	for i := range a.usage {
		a.usage[i] = held.Escrow()&(1<<i) == 0
	}
}

// escrow decides for a window that is about to be opened. A limit of no use, which admits
// nothing, is held like any other.
func (a *auto) escrow(d *demand, i int, limit int64, nodes int) bool {
	m := &d.of[i]
	request := float64(nodes) * max(m.large, m.mean, 1)
	switch {
	case d.callers.wait() || float64(limit) > autoOn*request:
		a.usage[i] = false
	case !d.callers.known(): // other nodes may know more: see follow
	case float64(limit) < autoOff*request:
		a.usage[i] = true
	}
	return !a.usage[i]
}
