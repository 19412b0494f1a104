package engine

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// configure applies a deployment's configuration from a moment on. It reports
// whether a new view must be published. Expected is the assumed output in tokens; round is
// the number of the Apply.
func (h *handle) configure(d *Deployment, expected int64, pool *pool, round int64, at counter.At) (changed bool) {
	if h.configured.ID == "" || h.configured.Disabled != d.Disabled || h.removed {
		h.enabled = !d.Disabled
	}
	other := !d.equal(h.configured)
	changed = h.removed || other || h.e.countLeases && !h.limits.Load().countsLeases()
	if h.breaker.Cause() == provider.NoMoney && !h.removed {
		h.uncool() // the operator may have paid before applying a configuration
		changed = true
	}
	d.Tags = slices.Clone(d.Tags)
	h.replace(d)
	h.removed, h.round = false, round
	return h.put(expected, pool, at, changed, false)
}

// keepOwn copies the configurations of a deployment that is removed. Otherwise it would keep
// those of all deployments in memory, because an Apply copies them as one slice.
func (h *handle) keepOwn() {
	for _, d := range [...]**Deployment{&h.configured, &h.provided, &h.cfg} {
		own := **d
		*d = &own
	}
}

// put puts into force the configuration with what the provider has reported. If changed is
// set, the configuration has changed; if reported is set, the reports have. It returns whether
// anything in force has changed.
func (h *handle) put(expected int64, pool *pool, at counter.At, changed, reported bool) bool {
	h.provided, h.lapseAt = h.inForce(), h.nextLapse()
	was, d := h.cfg, h.provided.margined(h.learnedMargin())
	changed = changed || d != was && !d.equal(was) || h.group.Load() == nil
	h.cfg = d
	h.tokenCap, h.reqCap = capOf(d.Limits.TPM), capOf(d.Limits.RPM)
	own := d
	if h.provided != h.configured {
		own = h.configured.margined(0)
	}
	h.configuredTokenCap, h.configuredReqCap = capOf(own.Limits.TPM), capOf(own.Limits.RPM)
	if h.loose = !plain(&d.Profile); h.loose { // RPM and TPM are limits beside the pair
		h.tokenCap, h.reqCap = counter.Max, counter.Max
		h.configuredTokenCap, h.configuredReqCap = counter.Max, counter.Max
	}
	h.hot.Limit(h.tokenCap, h.reqCap)
	counter.Change(&h.tokenMost, h.tokenCap)
	h.countsRefused.Store(d.Profile.CountsRefused)
	if changed || pool != nil {
		h.relist(d, own, pool, at, reported)
	}
	for m := range h.limits.Load().long() { // few have any: the comparison would cost every deployment
		if !was.Limits.equalBeyondMinutes(&d.Limits) { // the limits of the current day change: Collect reports it again
			m.Unlist()
		}
	}
	if d.Limits.TPM > 0 { // before anything is learned, 100 requests without a prompt fit a minute at least
		expected = min(expected, max(d.Limits.TPM/100, 1))
	}
	counter.Change(&h.assumed, expected)
	return changed
}

// relist makes the deployment's list of limits again.
func (h *handle) relist(d, own *Deployment, pool *pool, at counter.At, reported bool) {
	old := h.limits.Load()
	if old == nil && pool == nil && !h.e.countLeases && d.pairAlone() {
		return
	}
	ms := old.relist(d, own, pool, at, reported, h.e.countLeases, h.e.exact.Load())
	if ms != nil && h.tokenCap > 0 {
		ms.most[counter.Tokens] = min(ms.most[counter.Tokens], h.tokenCap)
	}
	if ms != nil && ms.gauge != nil && (old == nil || old.gauge == nil) {
		h.uncounted = true
	}
	h.leave(old, ms)
	h.closeNew(old, ms)
	h.limits.Store(ms)
}

// pairAlone reports whether a deployment needs no list: it has no limit except TPM and RPM,
// and the zero profile.
func (d *Deployment) pairAlone() bool {
	return d.Profile == provider.Profile{} && d.Limits == Limits{TPM: d.Limits.TPM, RPM: d.Limits.RPM}
}

// leave keeps the last reports of limits that are in the old list and not in the new one, for
// Collect.
func (h *handle) leave(old, ms *limits) {
	var left foldedWindows
	for m := range old.owned() {
		if slices.ContainsFunc(ms.of(), func(n limit) bool { return n.Limit == m.Limit }) {
			continue
		}
		w := m.Window(counter.At{Epoch: h.turned})
		for _, k := range [2]int64{w - 1, w} {
			if s := m.Ledger(k); s != nil {
				left.add(m.Kind(), s, m.Dim, m.Own(k))
			}
		}
	}
	h.keep(&left)
}
