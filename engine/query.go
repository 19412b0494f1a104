package engine

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// query is a demand in the form that the search reads.
type query struct {
	tokens   int64   // that the demand names, input and output
	input    int64   // input tokens, of tokens
	limit    int64   // the most output that the demand allows, 0 = unknown
	fixed    amounts // on a deployment without rates, if learn is not set; filled in when first needed, unless known
	known    bool    // fixed is what the demand counts on any deployment
	learn    bool    // the learned output is added to tokens
	most     int64   // of the learned output
	group    int64   // the group's learned output, -1 if unknown
	filter   *filter // nil: the demand has neither Exclude nor Tags
	affinity uint64  // the demand's; 0 = none
	quiet    bool    // a refusal is not counted
	eager    bool    // an admission follows, which compares the demand with all limits of the first by rank
	// unsure: this comparison is not made yet; unfit: it was made, and the demand does not fit there.
	unsure, unfit bool
	indexMissed   bool         // a search by bounds has just found none
	drew          bool         // a search drew among equals
	part          counter.Part // of every cap that the demand's class may use; 0 = all
	reading
}

// fill checks a demand and fills q, which must be zero. If learn is set, the learned output is
// expected of a demand that names none. False: a count or the class is out of range, or
// the caller is of another engine. (Filled in place, because a copy costs more than all else here.)
func (q *query) fill(g *owner, d *Demand, learn bool) bool {
	tokens, ok := d.named()
	if !ok {
		return false
	}
	q.tokens, q.input, q.limit, q.affinity = tokens, d.InputTokens, d.MaxOutputTokens, d.Affinity
	if d.Priority != 0 {
		if q.part, ok = g.e.part(d.Priority); !ok {
			return false
		}
	}
	if d.Caller.h != nil && d.Caller.h.e != g.e {
		return false
	}
	if learn && d.OutputTokens == 0 {
		q.learn, q.group, q.most = true, g.expected(), math.MaxInt64
		if d.MaxOutputTokens != 0 {
			q.most = d.MaxOutputTokens
		}
	}
	return true
}

// cost returns the tokens to reserve on a deployment. A learned output
// is lowered to what the deployment can ever take, so that the request is admitted
// and its usage corrects what was learned.
func (q *query) cost(h *handle) int64 { return q.costIn(h, q.part) }

func (q *query) costIn(h *handle, part counter.Part) int64 {
	if !q.learn {
		return q.tokens
	}
	n := min(h.expected(q.group), q.most)
	if most := part.Of(h.tokenMost.Load()); q.tokens+n > most && most > 0 {
		n = max(most-q.tokens, 0)
	}
	return q.tokens + n
}

// count stores in a what a request of that cost counts. (In place, because returned amounts are
// copied by way of memory.)
func (q *query) count(a *amounts, cost int64) {
	if q.known {
		*a = q.fixed
		return
	}
	a[counter.Input], a[counter.Output], a[counter.Tokens] = q.input, cost-q.input, cost
	a[counter.Requests], a[counter.Leases] = 1, 1
}

// amountsOn returns what a demand counts on a deployment.
func (q *query) amountsOn(h *handle, ms *limits) (a amounts) {
	q.countOn(&a, h, ms, q.part)
	return a
}

// countOn is amountsOn in place, for a demand that may use a part of the caps.
func (q *query) countOn(a *amounts, h *handle, ms *limits, part counter.Part) {
	cost := q.costIn(h, part)
	q.count(a, cost)
	if ms == nil || q.known {
		return
	}
	if ms.rated {
		*a = ms.admitted(q.input, cost-q.input, q.limit)
	}
	if most := &ms.most; q.learn && (part != 0 || a[counter.Input] > most[counter.Input] ||
		a[counter.Output] > most[counter.Output] || a[counter.Tokens] > most[counter.Tokens]) {
		ms.trim(part, a, q.input, q.limit)
	}
}

// amountsOfCaller returns what a demand counts for its caller, by the output that the
// group expects and by the rates of the caller.
func (q *query) amountsOfCaller(h *handle, ms *limits) (a amounts) {
	if !q.known {
		q.countOn(&a, h, ms, 0)
		return a
	}
	a[counter.Requests], a[counter.Leases] = 1, 1 // the least that a waiter counts
	if ms == nil || !ms.rated {
		a[counter.Tokens] = min(q.fixed[counter.Tokens], 1)
	}
	return a
}

// mask returns, for block b, a bit for each deployment that is a candidate of the demand.
func (q *query) mask(v *view, b int) uint16 {
	from, to := v.block(b)
	all := uint16(1<<(to-from) - 1)
	if q.filter == nil {
		return all
	}
	return all & q.filter.mask(v, b)
}

// tagged reports whether the demand has Tags.
func (q *query) tagged() bool { return q.filter != nil && len(q.filter.demand.Tags) > 0 }

// allows reports whether deployment i is a candidate of the demand.
func (q *query) allows(v *view, i int) bool {
	if q.filter == nil {
		return true
	}
	b := int(v.blockOf[i])
	return q.filter.mask(v, b)>>(i-int(v.starts[b]))&1 != 0
}
