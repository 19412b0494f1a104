package engine

import (
	"hash/fnv"
	"math/bits"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// A ranking key orders deployments, lowest first. Ranked by tokens
// it is these. Otherwise it is [ratio:26][tokens:28]: the utilization with 24
// fraction bits, then the tokens, both saturating. Scans put a 10-bit index
// below it.
const (
	ratioFraction = 24
	ratioMax      = 1<<26 - 2
	keyTokenBits  = 28
	keyTokenMax   = 1<<keyTokenBits - 1
	indexBits     = 10
	indexMask     = 1<<indexBits - 1

	noKey   = ^uint64(0)         // a scan found nothing
	fullKey = noKey >> indexBits // a block has nothing to offer
)

// inverse holds ceil(2^63 / limit) of a deployment's limits; 0 where there is
// none, or none that could be used.
type inverse struct{ tokens, requests uint64 }

func invert(limit int64) uint64 {
	if limit <= 0 || limit >= counter.Max {
		return 0
	}
	return (1<<63 + uint64(limit) - 1) / uint64(limit)
}

// ratio returns used/limit with 24 fraction bits, up to one unit too high.
func ratio(used, inverse uint64) uint64 {
	hi, lo := bits.Mul64(used, inverse)
	return hi<<(1+ratioFraction) | lo>>(63-ratioFraction)
}

func utilKey(tokens, requests uint64, inv inverse) uint64 {
	return rank(max(ratio(tokens, inv.tokens), ratio(requests, inv.requests)), tokens)
}

// rank returns the key of a utilization and the tokens used.
func rank(ratio, tokens uint64) uint64 {
	return min(ratio, ratioMax)<<keyTokenBits | min(tokens, keyTokenMax)
}

// mix returns 32 pseudo-random bits for element i of a choice whose random word
// is r, by the finalizer of a splitmix-like generator.
func mix(r uint64, i int) uint64 {
	z := r + uint64(i)*0x9E3779B97F4A7C15
	z = (z ^ z>>32) * 0xD6E8FEB86659FD93
	return z >> 32
}

// seedOf returns what stands for a deployment in the choice of a favourite:
// 64-bit FNV-1a of its ID.
func seedOf(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}
