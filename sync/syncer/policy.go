package syncer

import "fmt"

// Policy says what a node does under a limit while the store does not answer.
type Policy uint8

const (
	// Share admits up to this node's share of what was left of the limit at the
	// last contact, and in later windows of the whole limit. The share stays as
	// it was then: half of it is one part in the number of nodes, half this
	// node's part of the usage, rounded down. Where fewer requests are left than
	// there are nodes, as many of them, by a rendezvous hash, may admit one.
	Share Policy = iota
	// Open admits up to the whole limit, as a node alone does.
	Open
	// Closed admits nothing under a limit.
	Closed
)

// String returns the name of the policy.
func (p Policy) String() string {
	switch p {
	case Share:
		return "share"
	case Open:
		return "open"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

// Policies are the policies for each kind of limit, per minute and per day: on
// requests, and on tokens of any sort. What has no limit is never held back.
type Policies struct{ Requests, Tokens Policy }

// parts are a node's shares, in the order of Count's fields.
type parts [4]float64

func partsOf(nodes int, own, others Count) (p parts) {
	of := others.list()
	for i, n := range own.list() {
		p[i] = part(nodes, n, of[i])
	}
	return p
}

const blocked = -1 // as a limit and as a ceiling: nothing at all

// ceiling returns how far this node's own usage of a window may go, as
// window.Share has it, with part of what left is left beyond base.
func (p Policy) ceiling(limit, base, left int64, part float64) int64 {
	switch {
	case limit == 0 || p == Open:
		return 0
	case limit < 0 || p == Closed:
		return blocked
	}
	if c := base + int64(float64(max(left, 0))*part); c > 0 {
		return c
	}
	return blocked
}

// part returns the share of one of so many nodes that has used own while the
// others have used others.
func part(nodes int, own, others int64) float64 {
	n := float64(max(nodes, 1))
	if own <= 0 && others <= 0 {
		return 1 / n
	}
	own, others = max(own, 0), max(others, 0)
	return 0.5/n + 0.5*float64(own)/float64(own+others)
}
