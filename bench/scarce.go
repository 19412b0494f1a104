package bench

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// many is the size of the groups whose best deployments cannot be chosen.
const many = 1000

// least returns which k of the usages are the smallest.
func least(used []int64, k int) map[int]bool {
	order := make([]int, len(used))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(used[a], used[b]) })
	set := map[int]bool{}
	for _, i := range order[:k] {
		set[i] = true
	}
	return set
}

// coolingPool builds a group whose k least used deployments cool down.
func coolingPool(s engine.Strategy, k int) func() pool {
	return func() pool {
		used := randomUsage(many)
		cools := least(used, k)
		return newPool(s, many, func(i int, m *member) { m.used, m.cools = used[i], cools[i] })
	}
}

func pickCooling(s engine.Strategy, k int) measure.Case {
	return picking(fmt.Sprintf("Pick %s %d, %d least used cooling", s, many, k), 1, coolingPool(s, k), plain)
}

// small is the token limit of deployments that are too small for the demand.
const small = 1 << 20

// tightPool builds a group of which k deployments, the least used both in
// tokens and in proportion to their limit, have no room for a demand of small
// tokens.
func tightPool(s engine.Strategy, k int) func() pool {
	return func() pool {
		used := randomUsage(many)
		tight := least(used, k)
		return newPool(s, many, func(i int, m *member) {
			m.used = used[i]
			if tight[i] {
				m.limits.TPM = small
				m.used = 1 + int64(i)
			}
		})
	}
}

func pickTooSmall(s engine.Strategy, k int) measure.Case {
	return picking(fmt.Sprintf("Pick %s %d, too large for %d least used", s, many, k), 1, tightPool(s, k),
		func(pool) engine.Demand { return engine.Demand{InputTokens: small} })
}

// roomEach builds a group whose deployments have room for so many tokens each.
func roomEach(s engine.Strategy, room int64) func() pool {
	return func() pool {
		return newPool(s, many, func(_ int, m *member) { m.used = m.limits.TPM - room })
	}
}

func pickFull(s engine.Strategy) measure.Case {
	return refusing(fmt.Sprintf("Pick %s %d refused, full", s, many), roomEach(s, 0), hundred)
}

func pickTight(s engine.Strategy) measure.Case {
	return refusing(fmt.Sprintf("Pick %s %d refused, room for 50 tokens each", s, many), roomEach(s, 50), hundred)
}

func tryFull(s engine.Strategy) measure.Case {
	return tryRefusing(fmt.Sprintf("TryAcquire %s %d refused, full", s, many), roomEach(s, 0), hundred)
}

// taggedPool builds a group in which every second deployment fits tagged.
func taggedPool(s engine.Strategy) func() pool {
	return func() pool {
		used := randomUsage(many)
		return newPool(s, many, func(i int, m *member) {
			m.used, m.tags = used[i], []string{"chat", []string{"eu", "us"}[i%2]}
		})
	}
}

// tagged is the plain demand with a tag.
func tagged() engine.Demand {
	d := hundred
	d.Tags = []string{"eu"}
	return d
}

func pickTagged(s engine.Strategy) measure.Case {
	return picking(fmt.Sprintf("Pick %s %d, tag on every second", s, many), 1, taggedPool(s),
		func(pool) engine.Demand { return tagged() })
}

// pickExcluding is Pick with the k least used deployments excluded.
func pickExcluding(s engine.Strategy, k int) measure.Case {
	name := fmt.Sprintf("Pick %s %d, %d least used excluded", s, many, k)
	return picking(name, 1, func() pool { return randomPool(s, many) }, func(p pool) engine.Demand {
		d := hundred
		for i := range least(randomUsage(many), k) {
			d.Exclude = append(d.Exclude, p.refs[i])
		}
		return d
	})
}
