package transport

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine"
)

const (
	// tuneLeast is from how many prompts of a kind a correction is used, tuneMost how
	// many of the latest it rests on.
	tuneLeast = 8
	tuneMost  = 16
	// tuneEvery is how many prompts further the correction is worked out again.
	tuneEvery = 4
	// A correction multiplies by leastRatio to mostRatio, or adds up to mostAdded.
	leastRatio = 0.25
	mostRatio  = 4.0
	mostAdded  = 4000
)

// tuning is what was learned of how a deployment bills prompts of each kind, beside
// their estimates. It is safe for concurrent use; reading takes no lock.
type tuning struct {
	kinds [promptKinds]struct {
		correction atomic.Pointer[correction] // nil = none
		mu         sync.Mutex
		n          int // how many prompts were learned of
		latest     [tuneMost]bill
	}
}

// bill is a prompt: as it was estimated, and as it was billed, what came from a cache
// included.
type bill struct{ estimated, billed int64 }

// correction is what is made of an estimate: it is multiplied, or something is added.
// Instructions that a provider adds are the same for each prompt; another encoding or
// another size of images is a factor.
type correction struct {
	ratio float64 // 0 = something is added
	added int64
}

// apply corrects an estimate, within the bounds of a correction.
func (c correction) apply(estimated int64) int64 {
	e := float64(estimated)
	v := e + float64(c.added)
	if c.ratio != 0 {
		v = e * c.ratio
	}
	v = max(v, e*leastRatio)
	return int64(math.Round(min(v, max(e*mostRatio, e+mostAdded))))
}

// learn takes in how a prompt was billed.
func (t *tuning) learn(kind promptKind, b bill) {
	if b.estimated <= 0 || b.billed <= 0 {
		return
	}
	k := &t.kinds[kind]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latest[k.n%tuneMost] = b
	if k.n++; k.n < tuneLeast || k.n > tuneMost && k.n%tuneEvery != 0 {
		return
	}
	c := fit(k.latest[:min(k.n, tuneMost)])
	k.correction.Store(&c)
}

// fit returns the better of two corrections of bills: by the median of their ratios, or
// of their differences. The better one is that whose median error is smaller.
func fit(bills []bill) correction {
	ratios, differences := make([]float64, len(bills)), make([]float64, len(bills))
	for i, b := range bills {
		ratios[i] = float64(b.billed) / float64(b.estimated)
		differences[i] = float64(b.billed - b.estimated)
	}
	byRatio := correction{ratio: median(ratios)}
	byAdding := correction{added: int64(math.Round(median(differences)))}
	if byAdding.miss(bills) <= byRatio.miss(bills) {
		return byAdding
	}
	return byRatio
}

// miss returns the median error of a correction, as the logarithm of a factor.
func (c correction) miss(bills []bill) float64 {
	errs := make([]float64, len(bills))
	for i, b := range bills {
		errs[i] = math.Abs(math.Log(float64(max(c.apply(b.estimated), 1)) / float64(b.billed)))
	}
	return median(errs)
}

// median sorts the values. There is at least one.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// correct returns the estimate of a prompt on an endpoint, corrected by what was learned
// of it, or by what is known of its vendor.
func (p *place) correct(s *promptSize) int64 {
	e := s.on(p)
	switch c := p.tuning.kinds[s.kind].correction.Load(); {
	case c != nil:
		return c.apply(e)
	case p.vendor == nil:
		return e
	case s.tools:
		return e + p.vendor.tools
	}
	return e + p.vendor.prompt
}

// estimate makes the prompt's estimate that of the group which is asked for.
func (t *Transport) estimate(q *request) {
	if q.op.counts() != byTokens || q.form != nil {
		return
	}
	if group, err := t.engine.Group(q.group); err == nil {
		q.demand.InputTokens = min(q.prompt.largest(t.places.Load().first[group.Name()]), engine.MaxCount)
	}
}

// tuned is how many deployments of a group are looked at for the estimate of a prompt.
const tuned = 16

// largest returns the largest estimate of a prompt on any of a group's deployments, of
// the first few: what is reserved has to do for whichever is chosen.
func (s *promptSize) largest(list []*place) int64 {
	most := s.text
	for i, p := range list {
		if n := p.correct(s); i == 0 || n > most {
			most = n
		}
	}
	return most
}
