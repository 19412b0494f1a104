package engine

import (
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// newView returns a view of the candidates live of a group, which are by Order, and within it as
// configured.
func newView(e *common, s Strategy, live []*handle) *view {
	n := len(live)
	v := &view{
		e: e, strategy: s, by: strategies[s].ranking, handles: live, n: n, starts: []int32{0}, pairs: [2][]*counter.Pair{make([]*counter.Pair, n), make([]*counter.Pair, n)},
		inverses: make([]order.Inverse, n), seeds: make([]uint64, n), blockOf: make([]uint16, n),
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
	pack := packed(live)
	v.unlimited = true
	for i, h := range live {
		v.pairs[0][i], v.pairs[1][i], v.seeds[i] = &h.hot[0], &h.hot[1], h.seed
		if v.by.key != byLeases {
			v.inverses[i] = pack.Inverse(h.tokenCap, h.reqCap)
			v.unlimited = v.unlimited && v.inverses[i] == order.Inverse{}
		}
		v.tag(i, h.cfg.Tags)
	}
	v.indexed, v.keyOf = n > order.IndexFrom, v.key
	v.simple = len(v.tiers) == 1 && !v.extraLimits && v.by.draw == theLowest && v.by.key != byLeases
	v.byPairs = !v.extraLimits || v.by.key == byTokens || v.by.key == byUtilization && !v.unlimited && !v.lapses
	v.small = v.simple && n <= order.IndexFrom
	for p := range v.blocks {
		v.blocks[p], v.bounds[p] = make([]order.Block, len(v.starts)-1), make([]atomic.Uint64, len(v.starts)-1)
		for b := range v.blocks[p] {
			v.blocks[p][b].Init(&v.bounds[p][b], uint64(b), n > order.IndexFrom)
		}
	}
	return v
}

// addTier adds the deployments [from, to) as a tier, cut into blocks of nearly equal size. If
// whole blocks are tied, all deployments are then drawn nearly equally often.
func (v *view) addTier(from, to int) {
	n := to - from
	blocks := (n + order.BlockSize - 1) / order.BlockSize
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
		v.timeDependent = v.timeDependent || ms.timeDependent()
		v.timed = v.timed || ms.timed
		v.rated = v.rated || ms.rated
		v.pooled = v.pooled || ms.pool != nil
	}
	v.extraLimits = v.limits != nil
	v.addColumns()
	v.lapses = v.by.key == byUtilization && lapse(v.handles)
	unlike := func(ms *limits) bool {
		return ms == nil || ms.rated != v.limits[0].rated || ms.rates != v.limits[0].rates
	}
	if v.rated && v.limits[0] != nil && !slices.ContainsFunc(v.limits, unlike) {
		v.rates = v.limits[0]
	}
}

// tag adds the tags of deployment i: per tag and block, a bit for each deployment that has the
// tag.
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

// addWeights adds the weights of a tier to a new view.
func (v *view) addWeights(t *tier) {
	most := 0.0
	for _, h := range v.handles[t.from:t.to] {
		most = max(most, h.cfg.weight())
	}
	for _, h := range v.handles[t.from:t.to] {
		t.weight += h.cfg.weight() / most // the sum stays finite
		v.weights = append(v.weights, t.weight)
	}
}

// sizesOf returns the weights of the deployments in rendezvous hashing: TPM, else
// InputTPM, else RPM, whichever all of them have. Nil: all weights are equal.
func sizesOf(live []*handle) []float64 {
	for _, limit := range []func(*Limits) int64{
		func(l *Limits) int64 { return l.TPM }, func(l *Limits) int64 { return l.InputTPM }, func(l *Limits) int64 { return l.RPM },
	} {
		sizes, least, most := make([]float64, len(live)), counter.Max, int64(0)
		for i, h := range live {
			n := limit(&h.cfg.Limits)
			sizes[i], least, most = float64(n), min(least, n), max(most, n)
		}
		switch {
		case least > 0 && least == most:
			return nil
		case least > 0:
			return sizes
		}
	}
	return nil
}

// lapse reports whether minutes of the group's deployments end at different times,
// some of them with a phase. (If all end at once, the rest of every limit lapses at
// once, and deployments rank by their utilization alone.)
func lapse(live []*handle) bool {
	phased, unlike := false, false
	for _, h := range live {
		ends := h.limits.Load().ends()
		phased = phased || ends > 0
		unlike = unlike || ends != live[0].limits.Load().ends()
	}
	return phased && unlike
}

// ends returns the phase of a deployment's minutes in nanoseconds, and -1 for a bucket, which
// has no minutes.
func (ms *limits) ends() int64 {
	switch {
	case ms == nil || ms.minute == nil:
		return 0
	case ms.minute.Shape == counter.Level:
		return -1
	}
	return ms.minute.Phase
}

// seats stores in each deployment its seat in the view. It must be called before the view is
// published (protocol 5).
func (v *view) seats() {
	seats := make([]seat, len(v.handles)) // all keep the view alive
	for i, h := range v.handles {
		b := v.blockOf[i]
		seats[i] = seat{&v.signals, i, [2]*order.Block{&v.blocks[0][b], &v.blocks[1][b]}}
		h.seat.Store(&seats[i])
	}
}

// packed returns the packing by which small deployments are filled ahead (ADR 0045). Only a
// group whose deployments all count by minutes of UTC, and charge a call its input or one cost
// for all, is packed. A phase that is still to be learned may be any, so such a group is not.
// (If the maximum output is charged and given back later, filling ahead lost goodput.)
func packed(live []*handle) (p order.Packing) {
	for _, h := range live {
		r := &h.cfg.Profile
		if !plain(r) || r.LearnPhase || r.Admit != provider.AdmitInput && !r.EstimateStands {
			return order.Packing{}
		}
		p.Add(h.tokenCap, h.reqCap)
	}
	return p
}
