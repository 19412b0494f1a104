package engine

import (
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// handle is a deployment, or a caller, for as long as its usage, a lease on it, a place
// in the configuration or a Ref keeps it alive. Its counters never move.
type handle struct {
	// What every lease reads or changes, on one cache line.
	group  atomic.Pointer[owner] // nil: dropped
	hot    *counter.Hot
	limits atomic.Pointer[limits] // nil: none beside the pair
	seat   atomic.Pointer[seat]   // in the current view; nil: no candidate
	e      *common
	noting atomic.Bool // answers or tracked is not nil
	// doubted says that an answer may change the gate: half-open, or refusals counted.
	doubted   atomic.Bool
	tokenMost atomic.Int64 // control's tokenCap
	mean      learn.Mean   // learned output tokens

	caller  *callerState  // nil: a deployment
	tracked *counter.Held // nil unless Config.TrackHeld
	// assumed is the output expected while neither the deployment nor the
	// group has learned any.
	assumed atomic.Int64
	// ceiling is the most tokens that a request can ever take in the pair: its TPM
	// limit, counter.Max without one and for a limit of zero.
	ceiling  atomic.Int64
	quantile learn.Quantile
	lasts    atomic.Int64 // how long leases have lasted, ns, where they are limited; 0 = none has ended
	// answers is what the provider has reported; nil: no one observes signals, and requests
	// are not marked.
	answers  atomic.Pointer[answers]
	sequence atomic.Uint32 // of marks
	half     atomic.Bool   // half-open
	failing  atomic.Uint32 // the failure rate, with ratioFraction bits

	flight  counter.Flight
	expired atomic.Int64 // leases
	// countsRefused says that a call the provider refused counts as a request.
	countsRefused atomic.Bool
	requestCap    atomic.Int64 // of the pair, while half-open, without the one request that goes first
	id            string
	seed          uint64 // of the ID

	// Under the mutex of the handle's group.
	control
}

// control is what of a deployment requests do not read.
type control struct {
	gate
	// What the configuration says; the same with what the provider has reported; and that
	// after the margin, which is in force. They are never written, and often one.
	configured, provided, cfg *Deployment
	round                     int64 // of the latest Apply that configured it
	tokenCap                  int64 // limits, counter.Max = unlimited
	reqCap                    int64
	enabled                   bool
	gone                      bool  // no longer configured
	goneSince                 int64 // the epoch in which it was removed
	// What would be in force if the provider had reported no limits.
	configuredTokenCap, configuredReqCap int64
	turned                               int64         // the epoch that the counters are at
	plain                                [2]pairLedger // of the pair's halves
	next                                 *pairLedger   // of the minute after the current one; nil: nothing was absorbed ahead
	uncounted                            bool          // the gauge is new, and leases held are still to be counted by it
}

// pairLedger is the ledgers of a pair.
type pairLedger struct{ tokens, requests counter.Ledger }

func newLedger(w int64) pairLedger { return pairLedger{counter.NewLedger(w), counter.NewLedger(w)} }

// undeployed is the configuration of a deployment that has none yet.
var undeployed Deployment

// newHandle returns a deployment that no group has yet.
func newHandle(e *common, id string) *handle {
	h := &handle{e: e, id: id, seed: seedOf(id), hot: new(counter.Hot), control: control{configured: &undeployed, provided: &undeployed, cfg: &undeployed}}
	if e.trackHeld {
		h.tracked = new(counter.Held)
		h.noting.Store(true)
	}
	return h
}

// capOf turns a limit as configured into a cap.
func capOf(limit int64) int64 {
	switch limit {
	case 0:
		return counter.Max
	case Blocked:
		return 0
	}
	return limit
}

// configure takes over a deployment's configuration from a moment on. It reports
// whether the search must learn of it. Round is the number of the Apply.
func (h *handle) configure(d *Deployment, expected int64, pool *pool, round int64, at counter.At) (changed bool) {
	if h.configured.ID == "" || h.configured.Disabled != d.Disabled || h.gone {
		h.enabled = !d.Disabled
	}
	other := !d.equal(h.configured)
	changed = h.gone || other || h.e.countLeases && !h.limits.Load().countsLeases()
	if h.breaker.Cause() == provider.NoMoney && !h.gone {
		h.uncool() // whoever applies a configuration may have paid
		changed = true
	}
	if other {
		own := *d
		own.Tags = slices.Clone(d.Tags)
		h.replace(&own)
	}
	h.gone, h.round = false, round
	return h.put(expected, pool, at, changed, false)
}

// put puts into force what is configured and what the provider has reported, in any
// case if changed says so; reported says that the latter has changed. It reports whether
// anything changed.
func (h *handle) put(expected int64, pool *pool, at counter.At, changed, reported bool) bool {
	h.provided, h.lapseAt = h.inForce(), h.nextLapse()
	d := h.provided.margined(h.learnedMargin())
	changed = changed || d != h.cfg && !d.equal(h.cfg) || h.group.Load() == nil
	if !h.cfg.Limits.equalBeyondMinutes(&d.Limits) {
		defer h.relistDays()
	}
	h.cfg = d
	h.tokenCap, h.reqCap = capOf(d.Limits.TPM), capOf(d.Limits.RPM)
	defer func() { h.tokenMost.Store(h.tokenCap) }()
	own := d
	if h.provided != h.configured {
		own = h.configured.margined(0)
	}
	h.configuredTokenCap, h.configuredReqCap = capOf(own.Limits.TPM), capOf(own.Limits.RPM)
	if !plain(&d.Profile) { // limits beside the pair have them
		h.tokenCap, h.reqCap = counter.Max, counter.Max
		h.configuredTokenCap, h.configuredReqCap = counter.Max, counter.Max
	}
	h.hot.Limit(h.tokenCap, h.reqCap)
	if h.ceiling.Store(counter.Max); h.tokenCap > 0 {
		h.ceiling.Store(h.tokenCap)
	}
	h.countsRefused.Store(d.Profile.CountsRefused)
	if changed || pool != nil {
		h.relist(d, own, pool, at, reported)
	}
	if d.Limits.TPM > 0 {
		expected = min(expected, max(d.Limits.TPM/100, 1))
	}
	h.assumed.Store(expected)
	return changed
}

// relist makes the deployment's list of limits again.
func (h *handle) relist(d, own *Deployment, pool *pool, at counter.At, reported bool) {
	old := h.limits.Load()
	ms := old.relist(d, own, pool, at, reported, h.e.countLeases)
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

// closeNew closes the windows of limits that are new, where nodes hold them exactly.
func (h *handle) closeNew(old, ms *limits) {
	for i := range ms.of() {
		m := &ms.list[i]
		if retry := h.closesUnnamed(m); retry != 0 && !slices.ContainsFunc(old.of(), func(o limit) bool { return o.Limit == m.Limit }) {
			m.Close(retry)
		}
	}
}

// relistDays has Collect report the current day again, because its limits changed.
func (h *handle) relistDays() {
	for i := range h.limits.Load().of() {
		if m := &h.limits.Load().list[i]; m.Long() {
			m.Unlist()
		}
	}
}

// caps returns how far a half may go.
func (h *handle) caps(p int64) (tokens, requests int64) {
	c := &h.hot[p]
	t, r := c.Adjusted()
	return h.capsOf(&h.plain[p], t, r, c.Requests())
}

// capsOf is caps for a half with a ledger, adjustments and requests counted.
func (h *handle) capsOf(s *pairLedger, adjusted, adjustedRequests, used int64) (tokens, requests int64) {
	tokens, requests = s.tokens.Cap(h.tokenCap, adjusted), s.requests.Cap(h.reqCap, adjustedRequests)
	switch {
	case h.gone || !h.enabled:
		tokens = counter.Disabled
	case h.breaker.Cooling():
		tokens = counter.Cooling
	case !h.breaker.HalfOpen():
	case s.tokens.Window != h.turned: // the one request that goes first is of this minute
		tokens = counter.Cooling
	default:
		h.requestCap.Store(requests)
		requests = min(requests, h.probe.capAt(h.turned, used))
	}
	return tokens, requests
}

// recap sets the caps of both halves. Under the group's mutex.
func (h *handle) recap() {
	for p := range int64(2) {
		h.shift(p, 0, 0)
	}
}

// shift adds to what a half counts and sets its caps. Under the group's mutex.
func (h *handle) shift(p, tokens, requests int64) {
	if h.breaker.HalfOpen() && h.plain[p].tokens.Window == h.turned {
		h.probe.capAt(h.turned, h.hot[p].Requests())
		h.probe.cap += requests
	}
	t, r := h.caps(p)
	h.hot[p].Shift(tokens, requests, t, r)
	h.flight.Undo(h.e.slot(h.plain[p].tokens.Window)) // for the tag
	h.ceiled(p)
	if s := h.seat.Load(); s != nil && h.failing.Load() != 0 {
		s.in.failing.Store(true)
	}
}

// ceiled tells the search of a ceiling where there is no limit on tokens.
func (h *handle) ceiled(p int64) {
	if h.tokenCap != counter.Max || h.plain[p].tokens.Most() >= counter.Max {
		return
	}
	if s := h.seat.Load(); s != nil {
		s.in.ceiled[p].Store(true)
	}
}

// own returns this node's usage in a half. Under the group's mutex.
func (h *handle) own(p int64) (tokens, requests int64) {
	c, s := &h.hot[p], &h.plain[p]
	t, r := c.Adjusted()
	return s.tokens.Own(c.Tokens(), t), s.requests.Own(c.Requests(), r)
}

// inFlight returns how many leases are held. Under the group's mutex.
func (h *handle) inFlight() (n int64) {
	now := h.e.slot(h.turned)
	for k := now - h.e.slotTTL; k <= now; k++ {
		n += h.flight.Held(k, h.unfolded(k))
	}
	return n
}

// unfolded returns how many leases of a slot began in minutes that are not folded.
func (h *handle) unfolded(slot int64) (n int64) {
	for p := range h.plain {
		if h.e.slot(h.plain[p].tokens.Window) == slot {
			n += h.hot[p].Began()
		}
	}
	return n
}

// add counts tokens in the minute of an epoch, whatever the caps: there while that is
// the current or the previous one; later more counts in the current one, and less
// only in the totals.
func (h *handle) add(epoch, n int64) (over int64) {
	if n == 0 {
		return 0
	}
	if n > 0 {
		h.catchUp()
	}
	if used := h.hot.Of(epoch).CountTokens(epoch, n); used >= 0 {
		if n < 0 {
			h.eased(epoch)
			return 0
		}
		return h.over(used, n)
	}
	for n > 0 {
		g := h.group.Load()
		if g == nil {
			break
		}
		e := g.epoch.Load()
		if used := h.hot.Of(e).CountTokens(e, n); used >= 0 {
			return h.over(used, n)
		}
		g.await()
	}
	h.stray(n, 0)
	return 0
}

// addRequests is add for requests.
func (h *handle) addRequests(epoch, n int64) {
	if !h.hot.Of(epoch).AddRequests(epoch, n) {
		h.stray(0, n)
		return
	}
	if n < 0 {
		h.eased(epoch)
	}
}

// stray counts changes to windows that had been folded. Stats count those of deployments.
func (h *handle) stray(tokens, requests int64) {
	if h.caller == nil {
		h.e.strayTokens.Add(tokens)
		h.e.strayRequests.Add(requests)
	}
}

// catchUp turns a group that nothing has looked at since its minute ended. What a call
// consumed beyond its reservation would else be counted in a minute that is long over.
func (h *handle) catchUp() {
	if g := h.group.Load(); g != nil && g.clock.Now() >= g.wake.Load() {
		g.minute()
	}
}

// now returns the current moment for a list of limits, by which a difference is counted.
// False: the handle was dropped. A group that was idle is turned first where a limit needs
// the instant, which would have refilled already what is charged to its last minute, and
// where more is counted.
func (h *handle) now(ms *limits, a *amounts) (counter.At, bool) {
	g := h.group.Load()
	if g == nil {
		return counter.At{}, false
	}
	if !ms.timed && max(a[counter.Input], a[counter.Output], a[counter.Tokens]) <= 0 {
		return counter.At{Epoch: g.epoch.Load()}, true
	}
	e, now := g.minuteNow()
	return counter.At{Epoch: e, Now: within(e, now)}, true
}
