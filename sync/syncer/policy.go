package syncer

import "fmt"

// Policy is what a node admits under a limit while the store does not reply.
type Policy uint8

const (
	// Share admits up to this node's share of what was left of the limit at the last contact,
	// and in later windows of the whole limit. The share is fixed at the last contact: it is
	// the mean of 1/nodes and this node's part of the usage, and amounts are rounded down.
	// Where fewer requests are left than there are nodes, a rendezvous hash selects as many
	// nodes, which may admit one request each.
	Share Policy = iota
	// Open admits up to the whole limit on each node, as if it were alone.
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

// Policies holds one policy for limits on requests and one for limits on tokens of any kind,
// whatever their window. A deployment without a limit is not restricted. The zero value is
// Share for both.
type Policies struct{ Requests, Tokens Policy }

// parts are a node's shares, in the order of Count's fields.
type parts [4]float64

func partsOf(nodes int, own, remote Count) (p parts) {
	of := remote.list()
	for i, n := range own.list() {
		p[i] = part(nodes, n, of[i])
	}
	return p
}

const blocked = -1 // as a limit and as a ceiling: admit nothing

// ceiling returns the ceiling on this node's own usage of a window, as in window.Share:
// base, which it has used, plus part of left.
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

// part returns the share of a node that has used own while the other nodes-1 nodes have
// used remote: the mean of 1/nodes and its part of the usage.
func part(nodes int, own, remote int64) float64 {
	n := float64(max(nodes, 1))
	if own <= 0 && remote <= 0 {
		return 1 / n
	}
	own, remote = max(own, 0), max(remote, 0)
	return 0.5/n + 0.5*float64(own)/float64(own+remote)
}
