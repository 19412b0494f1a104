package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// view is the candidates of a group in their order, with the configuration that the search
// needs. Apply publishes it (protocol 5). It has no counts. Only the blocks change, and what
// they remember is checked by their seq (protocol 3).
type view struct {
	strategy      Strategy
	by            ranking // the strategy's
	e             *common
	simple        bool    // one tier of deployments without limits beside their pairs, ranked by usage
	small         bool    // simple, of at most order.IndexFrom deployments
	extraLimits   bool    // some deployment has limits beside its pair
	timeDependent bool    // the limits of some deployment are timeDependent
	lapses        bool    // minutes end at different times
	pooled        bool    // some deployment's limits are a pool's
	unlimited     bool    // no pair has a limit by which its deployment ranks
	rated         bool    // some deployment's charges differ from the tokens of the demand
	byPairs       bool    // no deployment ranks before its rank by its pair alone
	n             int     // candidates
	rates         *limits // one deployment's, if all have the same rates; else nil

	pairs    [2][]*counter.Pair // by the minute's parity
	inverses []order.Inverse
	columns  []column // the limits beside the pairs
	handles  []*handle
	limits   []*limits // nil if no deployment has any
	seeds    []uint64  // of the IDs
	sizes    []float64 // for affinities; nil: all are alike
	tiers    []tier
	starts   []int32            // first deployment of each block, and the end of the last
	blockOf  []uint16           // block of each deployment
	blocks   [2][]order.Block   // by the minute's parity
	bounds   [2][]atomic.Uint64 // of the blocks, close together because a search reads them all
	weights  []float64          // cumulative within the tier; nil: not used
	tags     map[string][]uint16

	misses atomic.Int64 // [2^20 ns:58][misses:6], see missesMost
	signals
}

// tier is the deployments of one Order: [from, to), blocks [first, last).
type tier struct {
	order        int
	from, to     int
	first, last  int
	weight       float64 // of all
	tokenLimited bool    // some deployment has a TPM limit
}

func (t tier) size() int { return t.to - t.from }

// plain reports whether usage of the pairs alone ranks a simple view.
func (v *view) plain() bool { return v.simple && !v.failing.Load() }

// scanned reports whether searches scan all of the deployments and draw among equals alone.
func (v *view) scanned() bool { return v.timeDependent && v.by.draw == theLowest }

// block returns the deployments [from, to) of a block.
func (v *view) block(b int) (from, to int) { return int(v.starts[b]), int(v.starts[b+1]) }

// limitsOf returns a deployment's limits beside its pair, nil if it has none.
func (v *view) limitsOf(i int) *limits {
	if v.limits == nil {
		return nil
	}
	return v.limits[i]
}

// renew clears what the blocks remember of the minute two before an epoch that is about
// to be published (protocol 2): seq first, then the bounds (protocol 3).
func (v *view) renew(epoch int64) {
	for b := range v.blocks[epoch&1] {
		v.blocks[epoch&1][b].Renew()
	}
}

// choice is the result of a search.
type choice struct {
	i      int    // the deployment's index in the view, -1: none
	why    reason // if there is none
	second uint64 // the least key of the block's other deployments, if seq is not 0
	// seq is that of the block when it was scanned; 0: a charge does not raise the block's bound. A
	// refusal has the sum that searchExhaustive compared.
	seq uint64
}
