package order

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
	RatioFraction = 24
	RatioMax      = 1<<26 - 2
	KeyTokenBits  = 28
	KeyTokenMax   = 1<<KeyTokenBits - 1
	IndexBits     = 10
	IndexMask     = 1<<IndexBits - 1

	NoKey   = ^uint64(0)         // a scan found nothing
	FullKey = NoKey >> IndexBits // a block has nothing to offer
)

// Inverse holds ceil(2^63 / limit) of a deployment's limits; 0 where there is
// none, or none that could be used.
type Inverse struct{ Tokens, Requests uint64 }

// Invert returns the inverse of a limit.
func Invert(limit int64) uint64 {
	if limit <= 0 || limit >= counter.Max {
		return 0
	}
	return (1<<63 + uint64(limit) - 1) / uint64(limit)
}

// Ratio returns used/limit, by the limit's inverse, with 24 fraction bits: up to one unit too
// high, and one more for each 2^39 used.
func Ratio(used, inverse uint64) uint64 {
	hi, lo := bits.Mul64(used, inverse)
	return hi<<(1+RatioFraction) | lo>>(63-RatioFraction)
}

// UtilKey returns the key of the tokens and requests used.
func UtilKey(tokens, requests uint64, inv Inverse) uint64 {
	return Rank(max(Ratio(tokens, inv.Tokens), Ratio(requests, inv.Requests)), tokens)
}

// Rank returns the key of a utilization and the tokens used.
func Rank(ratio, tokens uint64) uint64 {
	return min(ratio, RatioMax)<<KeyTokenBits | min(tokens, KeyTokenMax)
}

// Mix returns 32 pseudo-random bits for element i of a choice whose random word
// is r, by the finalizer of a splitmix-like generator.
func Mix(r uint64, i int) uint64 {
	z := r + uint64(i)*0x9E3779B97F4A7C15
	z = (z ^ z>>32) * 0xD6E8FEB86659FD93
	return z >> 32
}

// SeedOf returns what stands for a deployment in the choice of a favourite:
// 64-bit FNV-1a of its ID.
func SeedOf(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}
