package engine

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// view is the order of a group's candidates, and what of the configuration the search
// needs. It is published by Apply and holds no count: only what the blocks remember
// changes, and that decides nothing by itself.
type view struct {
	strategy Strategy
	by       ranking // the strategy's
	e        *common
	small    bool // one tier of at most indexFrom deployments without limits beside their pairs, ranked by usage
	further  bool // some deployment has limits beside its pair
	volatile bool // some deployment's limits are
	lapses   bool // minutes end at different times
	pooled   bool // some deployment's limits are a pool's
	rated    bool // some deployment's charges are not simply tokens
	n        int
	rates    *limits // of all deployments, if they charge alike; else nil

	pairs    [2][]*counter.Pair // by the minute's parity
	inverses []inverse
	busy     []uint64 // inverses of the limits on leases; ranked by leases only
	handles  []*handle
	limits   []*limits // nil if no deployment has any
	seeds    []uint64  // of the IDs
	sizes    []float64 // for affinities; nil: all are alike
	tiers    []tier
	starts   []int32            // first deployment of each block, and the end of the last
	blockOf  []uint16           // block of each deployment
	blocks   [2][]block         // by the minute's parity
	bounds   [2][]atomic.Uint64 // of the blocks, close together because a search reads them all
	weights  []float64          // cumulative within the tier; nil: not used
	tags     map[string][]uint16
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

// newView orders the candidates of a group.
func newView(e *common, s Strategy, live []*handle) *view {
	live = slices.Clone(live)
	slices.SortStableFunc(live, func(a, b *handle) int { return cmp.Compare(a.cfg.Order, b.cfg.Order) })
	n := len(live)
	v := &view{
		e: e, strategy: s, by: strategies[s].ranking, handles: live, n: n, starts: []int32{0},
		inverses: make([]inverse, n), seeds: make([]uint64, n), blockOf: make([]uint16, n),
	}
	for p := range v.pairs {
		v.pairs[p] = make([]*counter.Pair, n)
		for i, h := range live {
			v.pairs[p][i] = &h.hot[p]
		}
	}
	for from := 0; from < n; {
		to := from + 1
		for to < n && live[to].cfg.Order == live[from].cfg.Order {
			to++
		}
		v.addTier(from, to)
		from = to
	}
	v.addLimits()
	v.sizes = sizesOf(live)
	if v.by.key == byLeases {
		v.busy = busyInverses(live)
	}
	for i, h := range live {
		v.seeds[i] = h.seed
		v.inverses[i] = inverse{invert(h.tokenCap), invert(h.reqCap)}
		v.tag(i, h.cfg.Tags)
	}
	v.indexed, v.keyOf = n > indexFrom, v.key
	v.small = len(v.tiers) == 1 && n <= indexFrom && !v.further && v.by.draw == theLowest && v.by.key != byLeases
	for p := range v.blocks {
		v.blocks[p], v.bounds[p] = make([]block, len(v.starts)-1), make([]atomic.Uint64, len(v.starts)-1)
		for b := range v.blocks[p] {
			v.blocks[p][b].bound, v.blocks[p][b].index = &v.bounds[p][b], uint64(b)
			v.bounds[p][b].Store(uint64(b))
			v.blocks[p][b].seq.Store(1) // a zero room is never valid
			v.blocks[p][b].watched.Store(n > indexFrom)
		}
	}
	return v
}

// plain reports whether usage of the pairs alone ranks a small view.
func (v *view) plain() bool { return v.small && !v.failing.Load() }

// addTier cuts a tier into blocks of nearly one size: where whole blocks are equally
// good, none is then drawn much more often than another.
func (v *view) addTier(from, to int) {
	n := to - from
	blocks := (n + blockSize - 1) / blockSize
	t := tier{order: v.handles[from].cfg.Order, from: from, to: to, first: len(v.starts) - 1}
	for b := range blocks {
		for i := from + b*n/blocks; i < from+(b+1)*n/blocks; i++ {
			v.blockOf[i] = uint16(t.first + b)
		}
		v.starts = append(v.starts, int32(from+(b+1)*n/blocks))
	}
	t.last = t.first + blocks
	for _, h := range v.handles[from:to] {
		t.tokenLimited = t.tokenLimited || h.cfg.Limits.TPM != 0
	}
	if v.by.weights {
		v.addWeights(&t)
	}
	v.tiers = append(v.tiers, t)
}

// addLimits notes which deployments have limits beside their pairs.
func (v *view) addLimits() {
	for i, h := range v.handles {
		ms := h.limits.Load()
		if ms == nil {
			continue
		}
		if v.limits == nil {
			v.limits = make([]*limits, v.n)
		}
		v.limits[i] = ms
		v.volatile = v.volatile || ms.volatile()
		v.timed = v.timed || ms.timed
		v.rated = v.rated || ms.rated
		v.pooled = v.pooled || ms.pool != nil
	}
	v.further = v.limits != nil
	v.lapses = lapse(v.handles)
	if v.rated && !slices.Contains(v.limits, nil) &&
		!slices.ContainsFunc(v.limits, func(ms *limits) bool { return ms.rated != v.limits[0].rated || ms.rates != v.limits[0].rates }) {
		v.rates = v.limits[0]
	}
}

// tag notes a deployment's tags: per block, a bit for each deployment that has one.
func (v *view) tag(i int, tags []string) {
	for _, tag := range tags {
		if v.tags == nil {
			v.tags = map[string][]uint16{}
		}
		if v.tags[tag] == nil {
			v.tags[tag] = make([]uint16, len(v.starts)-1)
		}
		b := v.blockOf[i]
		v.tags[tag][b] |= 1 << (i - int(v.starts[b]))
	}
}

// block returns the deployments [from, to) of a block.
func (v *view) block(b int) (from, to int) { return int(v.starts[b]), int(v.starts[b+1]) }

// limitsOf returns a deployment's limits beside its pair, nil if it has none.
func (v *view) limitsOf(i int) *limits {
	if v.limits == nil {
		return nil
	}
	return v.limits[i]
}

// seats tells the deployments of a view where it has them. Before it is published.
func (v *view) seats() {
	seats := make([]seat, len(v.handles)) // all keep the view alive
	for i, h := range v.handles {
		b := v.blockOf[i]
		seats[i] = seat{&v.signals, i, [2]*block{&v.blocks[0][b], &v.blocks[1][b]}}
		h.seat.Store(&seats[i])
	}
}

// renew makes the blocks forget what they found out about the minute two before an
// epoch that is about to be published: seq first, then the bounds (protocol 3).
func (v *view) renew(epoch int64) {
	p := epoch & 1
	v.ceiled[p].Store(false)
	for b := range v.blocks[p] {
		bl := &v.blocks[p][b]
		bl.seq.Add(1)
		bl.bound.Store(bl.index)
	}
}
