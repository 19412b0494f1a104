package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/breaker"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// A deployment whose calls fail uses nothing, so that by usage alone it would rank first and get
// every request. Its failure rate is therefore added to the ratio of
// its ranking key, in units of utilization: a deployment that fails every call ranks
// like one whose limits are used up, with limits and without. The rate only ranks: no
// admission, [State], report or count contains it.

// A failure rate has the unit of a ratio.
const _ = uint(order.RatioFraction-breaker.RateFraction) + uint(breaker.RateFraction-order.RatioFraction)

// failed returns the ratio of a deployment's key with its failure rate added.
func (v *view) failed(i int, ratio uint64) uint64 {
	if !v.failing.Load() {
		return ratio
	}
	return min(ratio, order.RatioMax) + uint64(v.handles[i].failing.Load())
}

// failedTokens is failed for a ranking by tokens: the rate is a part of the deployment's TPM
// limit, at most of a typical one.
func (v *view) failedTokens(i int, tokens uint64) uint64 {
	if !v.failing.Load() {
		return tokens
	}
	const typical = 1 << 20 // tokens per minute
	h := v.handles[i]
	limit := uint64(typical)
	if inv := v.inverses[i].Tokens; inv != 0 {
		limit = min(1<<63/inv, limit)
	}
	return tokens + limit*uint64(h.failing.Load())>>order.RatioFraction
}
