package fuzz

import (
	"cmp"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// A model is the contract of an engine with nothing clever in it: maps, loops,
// one goroutine. Time is an argument of every method that looks at the clock;
// what a method without it does lands in the group's published epoch, the one
// of the last look.
type model struct {
	strategy engine.Strategy
	expected int64
	quantile float64
	shares   []float64
	ttl      time.Duration
	groups   map[string]*mgroup
	deps     map[string]*mdep
	lost     map[string]*mdep             // forgotten, by ID
	usage    map[string]map[int64]*musage // of all IDs there ever were

	acquired, checked int64 // requests admitted by Acquire and by PreCheck
	ended             [3]int64
	expired           int64
	tokens            int64 // true usage, whatever window it is counted in
	raised            int64 // all that was ever added to it
	late              int64 // endings
	refused           int64
	invalid           bool
}

type mgroup struct {
	name    string
	epoch   int64          // published
	lived   map[int64]bool // epochs that were ever published
	learned mean
	high    quantile
}

type mdep struct {
	cfg       engine.Deployment
	present   bool
	gone      int64 // the epoch in which it was removed, if it is not present
	forgotten bool
	again     *mdep // what its ID is since it was forgotten and configured again: a lease that refers to it is of that
	enabled   bool
	group     *mgroup
	cool      int64 // cooling until then; 0 = not cooling
	learned   mean
	high      quantile
	muchHeld  bool              // 2^43 tokens once: more than are counted as held
	usage     map[int64]*musage // by epoch; shared by all that had the ID
	leases    []*mlease         // not ended
	meters    []*mmeter
}

// musage is one deployment in one epoch.
type musage struct {
	requests, tokens             int64 // own
	othersRequests, othersTokens int64
	ceilRequests, ceilTokens     int64 // 0 = none, -1 = zero
	retry                        int64 // ns after which they may be others; 0 = with the next window
}

// heir returns what the deployment is by now; see again.
func (d *mdep) heir() *mdep {
	for d.again != nil {
		d = d.again
	}
	return d
}

func newModel(cfg engine.Config, now int64) *model {
	m := &model{groups: map[string]*mgroup{}, lost: map[string]*mdep{}, deps: map[string]*mdep{}, usage: map[string]map[int64]*musage{}, ttl: cmp.Or(cfg.LeaseTTL, 15*time.Minute)}
	m.apply(cfg, now)
	return m
}

// saturated reports whether a minute may have more tokens than are counted, from where
// on an engine counts less than the model.
func (m *model) saturated() bool { return m.raised >= mostCounted }

func (m *model) total(n int64) {
	m.tokens += n
	m.raised += max(n, 0)
}

// in is the usage of an epoch, made when first asked for.
func (d *mdep) in(epoch int64) *musage {
	u := d.usage[epoch]
	if u == nil {
		u = &musage{}
		d.usage[epoch] = u
	}
	return u
}

func (d *mdep) now() *musage { return d.in(d.group.epoch) }

func (u *musage) allTokens() int64   { return u.tokens + u.othersTokens }
func (u *musage) allRequests() int64 { return u.requests + u.othersRequests }

// look is what an operation that reads the clock does to a group first. A
// cooldown that is over has ended for good; in a new epoch leases grow too old.
func (m *model) look(g *mgroup, now int64) {
	rolled := now/minute > g.epoch
	g.epoch = max(g.epoch, now/minute)
	g.lived[g.epoch] = true
	for _, d := range m.deps {
		if d.group != g {
			continue
		}
		if d.cool <= now {
			d.cool = 0
		}
		if rolled {
			m.expire(d)
		}
	}
}

// forgettable reports whether an engine may forget a deployment: one removed
// before the previous epoch that holds no lease and has used nothing of a day.
func (d *mdep) forgettable() bool {
	return !d.present && d.gone+1 < d.group.epoch && len(d.leases) == 0 && !d.usedToday()
}

// lookAt is look by an operation on one deployment alone: other cooldowns of the
// group are left to the next look, unless there is something to do here.
func (m *model) lookAt(d *mdep, now int64) {
	if now/minute > d.group.epoch || d.cool != 0 && d.cool <= now {
		m.look(d.group, now)
	}
}

func (m *model) lookAll(now int64) {
	for _, g := range m.groups {
		m.look(g, now)
	}
}

// members are the deployments of a group, by ID.
func (m *model) members(g *mgroup) []*mdep {
	var ds []*mdep
	for _, d := range m.deps {
		if d.present && d.group == g {
			ds = append(ds, d)
		}
	}
	slices.SortFunc(ds, func(a, b *mdep) int { return cmp.Compare(a.cfg.ID, b.cfg.ID) })
	return ds
}

// record adds tokens that no lease has reserved; d may be nil: forgotten.
func (m *model) record(d *mdep, u engine.Usage, now int64) {
	n := m.count(u.InputTokens) + m.count(u.OutputTokens)
	m.total(n)
	if d != nil && n > 0 {
		m.lookAt(d, now)
		if !d.forgotten {
			d.now().tokens += n
			for _, mm := range d.meters {
				mm.add(d.group.epoch, d.group.epoch, mcost{input: m.count(u.InputTokens), output: m.count(u.OutputTokens)})
			}
		}
	}
}

// count clamps what has happened to what a counter takes.
func (m *model) count(n int64) int64 {
	c := min(max(n, 0), engine.MaxCount)
	m.invalid = m.invalid || c != n
	return c
}

// cooldown keeps d from being chosen; a shorter one changes nothing, one of
// nothing ends it.
func (m *model) cooldown(d *mdep, wait, now int64) {
	m.look(d.group, now)
	if wait <= 0 {
		d.cool = 0
	} else {
		d.cool = max(d.cool, now+wait)
	}
}

func (m *model) setEnabled(d *mdep, on bool, now int64) {
	m.look(d.group, now)
	d.enabled = on
}
