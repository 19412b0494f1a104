package order

import (
	"hash/fnv"
	"math/bits"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// A ranking key orders deployments; the lowest is chosen. In a ranking by tokens the key is the
// tokens used. Otherwise it is [ratio:26][tokens:28]: the utilization with 24
// fraction bits, then the tokens, both saturating. Scans append a 10-bit index
// below it.
const (
	RatioFraction = 24
	RatioMax      = 1<<26 - 2
	KeyTokenBits  = 28
	KeyTokenMax   = 1<<KeyTokenBits - 1
	IndexBits     = 10
	IndexMask     = 1<<IndexBits - 1

	NoKey   = ^uint64(0)         // of a scan: the request fits on no deployment
	FullKey = NoKey >> IndexBits // of a bound: no deployment of the block has headroom for one token
)

// Inverse has the inverses of a deployment's TPM and RPM, see Invert.
type Inverse struct{ Tokens, Requests uint64 }

// Invert returns ceil(2^63 / limit), and 0 for no limit and for a limit of zero, so that
// these have a ratio of 0.
func Invert(limit int64) uint64 {
	if limit <= 0 || limit >= counter.Max {
		return 0
	}
	return (1<<63 + uint64(limit) - 1) / uint64(limit)
}

// Ratio returns used/limit, by the limit's inverse, with 24 fraction bits. It is too high by up
// to one unit, and by one more for each 2^39 used.
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

// Differ returns 0 for equal keys, else all ones. A draw takes it in place of a branch: which
// cells are tied is hard to predict.
func Differ(a, b uint64) uint64 {
	d := a ^ b
	return uint64(int64(d|-d) >> 63)
}

// Mix returns 32 pseudo-random bits for element i of a choice with the random word r, by a
// finalizer like that of SplitMix64.
func Mix(r uint64, i int) uint64 {
	z := r + uint64(i)*0x9E3779B97F4A7C15
	z = (z ^ z>>32) * 0xD6E8FEB86659FD93
	return z >> 32
}

// SeedOf returns the seed of a deployment for rendezvous hashing: 64-bit FNV-1a of its ID.
func SeedOf(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}
