package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	blockSize = 16 // at most; a tier's blocks differ by at most one cell
	// indexFrom is the size above which a tier is searched by block bounds.
	// Smaller tiers are scanned whole, in blocks of their own all the same.
	indexFrom = 64
)

// layout says which deployments a group has, in which order their cells stand,
// and what of the configuration the search needs. It never changes; Apply makes
// a new one.
type layout struct {
	e        *Engine
	line     *line // of the group
	strategy Strategy
	further  bool          // some deployment has limits that its cell does not know: on leases, or meters
	limited  bool          // some deployment has a limit on leases
	reserves []bool        // which ones; nil unless limited
	volatile bool          // some deployment's meters are
	lapses   bool          // some deployment's minutes have a phase
	meters   []*meters     // nil if no deployment has any
	pooled   bool          // some deployment's limits are a pool's
	clock    *window.Clock // nil: no meter needs an instant
	rated    bool          // some deployment's charges are not simply tokens
	rates    *meters       // of all deployments, if they charge alike; else nil
	handles  []*handle
	inverses []inverse
	seeds    []uint64  // of the IDs
	sizes    []float64 // of the deployments, for affinities; nil = all are alike
	tiers    []tier
	starts   []int32             // first cell of each block, and the end of the last
	blockOf  []uint16            // block of each cell; removed deployments stand behind the last block
	weights  []float64           // cumulative within the tier; Weighted only
	tags     map[string][]uint16 // per block, a bit for each cell that has the tag
}

// tier is the deployments of one Order: cells [from, to), blocks [first, last).
type tier struct {
	order        int
	from, to     int
	first, last  int
	weight       float64 // of all
	tokenLimited bool    // some deployment has a TPM limit
}

func (t tier) size() int { return t.to - t.from }

// newLayout orders the live handles by Order and puts the removed ones, which
// are no candidates any more, behind them.
func newLayout(e *Engine, s Strategy, live, removed []*handle) *layout {
	live = slices.Clone(live)
	slices.SortStableFunc(live, func(a, b *handle) int { return cmp.Compare(a.cfg.Order, b.cfg.Order) })
	l := &layout{e: e, strategy: s, handles: append(live, removed...), starts: []int32{0}}
	n := len(live)
	l.inverses = make([]inverse, len(l.handles))
	l.seeds = make([]uint64, n)
	l.sizes = sizesOf(live)
	l.blockOf = make([]uint16, len(l.handles))
	for from := 0; from < n; {
		to := from + 1
		for to < n && live[to].cfg.Order == live[from].cfg.Order {
			to++
		}
		l.addTier(from, to)
		from = to
	}
	l.limitFurther(live)
	for i, h := range live {
		l.seeds[i] = h.seed
		lim := h.cfg.Limits
		l.inverses[i] = inverse{invert(h.tokenCap), invert(h.reqCap), invert(lim.MaxInFlight)}
		for _, tag := range h.cfg.Tags {
			if l.tags == nil {
				l.tags = map[string][]uint16{}
			}
			if l.tags[tag] == nil {
				l.tags[tag] = make([]uint16, len(l.starts)-1)
			}
			b := l.blockOf[i]
			l.tags[tag][b] |= 1 << (i - int(l.starts[b]))
		}
	}
	for i := n; i < len(l.handles); i++ {
		l.blockOf[i] = math.MaxUint16
	}
	return l
}

func (l *layout) limitFurther(live []*handle) {
	for i, h := range live {
		if ms := h.meters.Load(); ms != nil {
			if l.meters == nil {
				l.meters = make([]*meters, len(live))
			}
			l.meters[i] = ms
			l.volatile = l.volatile || ms.volatile()
			l.rated = l.rated || ms.rated
			l.pooled = l.pooled || ms.pool != nil
			if ms.clock != nil {
				l.clock = ms.clock
			}
		}
		if h.cfg.Limits.MaxInFlight == 0 {
			continue
		}
		if !l.limited {
			l.limited, l.reserves = true, make([]bool, len(live))
		}
		l.reserves[i] = true
	}
	l.further = l.limited || l.meters != nil
	l.lapses = l.meters != nil && lapse(live)
	if l.rated && !slices.ContainsFunc(l.meters, func(ms *meters) bool { return ms == nil || ms.rates != l.meters[0].rates }) {
		l.rates = l.meters[0]
	}
}

// addTier cuts a tier into blocks of even size, so that none of its cells is
// drawn much more often than another.
func (l *layout) addTier(from, to int) {
	n := to - from
	blocks := (n + blockSize - 1) / blockSize
	t := tier{order: l.handles[from].cfg.Order, from: from, to: to, first: len(l.starts) - 1}
	for b := range blocks {
		for i := from + b*n/blocks; i < from+(b+1)*n/blocks; i++ {
			l.blockOf[i] = uint16(t.first + b)
		}
		l.starts = append(l.starts, int32(from+(b+1)*n/blocks))
	}
	t.last = t.first + blocks
	for _, h := range l.handles[from:to] {
		t.tokenLimited = t.tokenLimited || h.cfg.Limits.TPM != 0
	}
	if l.strategy == Weighted {
		most := 0.0
		for _, h := range l.handles[from:to] {
			most = max(most, h.cfg.weight())
		}
		for _, h := range l.handles[from:to] {
			t.weight += h.cfg.weight() / most // the sum stays finite
			l.weights = append(l.weights, t.weight)
		}
	}
	l.tiers = append(l.tiers, t)
}

func (d *Deployment) weight() float64 {
	if d.Weight == 0 {
		return 1
	}
	return d.Weight
}

// block returns the cells [from, to) of a block.
func (l *layout) block(b int) (from, to int) { return int(l.starts[b]), int(l.starts[b+1]) }

// candidates returns how many deployments are not removed.
func (l *layout) candidates() int { return int(l.starts[len(l.starts)-1]) }

// cut returns the layout without the removed deployments at its end that keep
// says no to. Indices stay as they are.
func (l *layout) cut(keep func(*handle) bool) *layout {
	n := len(l.handles)
	for n > l.candidates() && !keep(l.handles[n-1]) {
		n--
	}
	if n == len(l.handles) {
		return l
	}
	s := *l
	s.handles, s.inverses, s.blockOf = l.handles[:n:n], l.inverses[:n:n], l.blockOf[:n:n]
	return &s
}

// capsOf returns the caps of a cell under others' usage and ceilings.
func (f *frame) capsOf(i int) (tokens, requests int64) {
	h, s := f.handles[i], &f.shares[i]
	t, r := f.elsewhere(i)
	tokens, requests = min(h.tokenCap, s.ceilTokens+t), min(h.reqCap, s.ceilRequests+r)
	switch {
	case h.gone || !h.enabled:
		tokens = window.CapDisabled
	case h.coolUntil != 0:
		tokens = window.CapCooling
	}
	return tokens, requests
}
