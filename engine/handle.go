package engine

import (
	"runtime"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// handle is a deployment for as long as its usage, a lease on it or a place in
// the configuration keeps it alive.
type handle struct {
	// What PreCheck and Record need, on one line: the cell to count in until
	// wake, and the clock. Cell is stored before wake and loaded after it. Where
	// there are meters to count in too, wake is off, and due says what it would be.
	clock *window.Clock
	wake  atomic.Int64
	cell  atomic.Pointer[window.Cell] // nil: dropped
	spot  atomic.Pointer[spot]        // the cell and its frame; nil: dropped

	e        *Engine
	meters   atomic.Pointer[meters] // nil: there are none
	place    atomic.Pointer[place]  // nil: dropped
	id       string
	due      atomic.Int64
	seed     uint64 // of the ID
	mean     mean   // learned output tokens; its counter: settled leases
	quantile quantile
	// assumed is the output expected while neither the deployment nor the
	// group has learned any.
	assumed atomic.Int64
	// ceiling is the most tokens that a request can ever take in the cell: its TPM
	// limit, window.Max without one and for a limit of zero.
	ceiling atomic.Int64
	flight  flight // leases held
	// listens says that somebody observes signals, so that requests are marked.
	listens atomic.Bool
	half    atomic.Bool   // half-open
	failing atomic.Uint32 // the failure rate, with ratioFraction bits
	ledger  *ledger
	// doubted says that an answer may change the gate: half-open, or refusals counted.
	doubted    atomic.Bool
	requestCap atomic.Int64 // of the cell, while half-open, without the one request that goes first
	// countsRefused says that a call the provider refused counts as a request.
	countsRefused atomic.Bool
	sequence      atomic.Uint32 // of marks

	// Under the mutex of the group in which the handle has its place. What is large
	// stands elsewhere: handles 24 cache lines apart would share an eighth of the
	// cache.
	cfg      Deployment
	tokenCap int64 // limits, window.Max = unlimited
	reqCap   int64
	// What would be in force if the provider had reported no limits.
	configuredTokenCap, configuredReqCap int64
	enabled                              bool
	gone                                 bool  // no longer configured
	goneSince                            int64 // the epoch in which it was removed
	*heard
	tellUntil int64 // the cooldown that this node found and tells the others of, Unix ns; 0 = none
	days      *days
}

// place says where a handle's cells are: the same index in every frame of the
// group.
type place struct {
	g *Group
	i int
}

// now is the epoch argument of find for the group's published window.
const now int64 = -1 << 63

// find returns the frame and index of the handle's cell for an epoch; nil when
// that epoch is older than the previous one or the handle has been dropped.
// During a swap it is still the old frame, whose cells say when they are sealed.
func (h *handle) find(epoch int64) (*frame, int) {
	s := h.spot.Load()
	for s == nil && h.place.Load() != nil || s != nil && s.f.Epoch < epoch {
		runtime.Gosched() // its frame is being published
		s = h.spot.Load()
	}
	if s == nil {
		return nil, 0
	}
	if s.f.Epoch == epoch || epoch == now {
		return s.f, s.i
	}
	if s.f.Epoch == epoch+1 {
		if b := s.f.prev.Load(); b != nil && b.Epoch == epoch && b.has(s.i, h) {
			return b, s.i
		}
	}
	return nil, 0
}

// add counts tokens in the cell of an epoch, whatever the caps. It returns
// false, having counted nothing, when that epoch or the handle is gone.
func (h *handle) add(epoch, tokens int64) bool {
	for tokens != 0 {
		f, i := h.find(epoch)
		if f == nil {
			return false
		}
		if f.cells[i].AddTokens(tokens) {
			if tokens < 0 {
				f.eased(i)
			}
			return true
		}
		runtime.Gosched()
	}
	return true
}

// addRequests is add for requests.
func (h *handle) addRequests(epoch, n int64) bool {
	for {
		f, i := h.find(epoch)
		if f == nil {
			return false
		}
		if f.cells[i].AddRequests(n) {
			if n < 0 {
				f.eased(i)
			}
			return true
		}
		runtime.Gosched()
	}
}

// capOf turns a limit as configured into a cap.
func capOf(limit int64) int64 {
	switch limit {
	case 0:
		return window.Max
	case Blocked:
		return 0
	}
	return limit
}

// configure takes over a deployment's configuration. New limits count from an
// epoch on. It reports whether the search must learn of it although d is what was
// configured before.
func (h *handle) configure(d Deployment, expected, epoch, now int64) (changed bool) {
	if h.configured.ID == "" || h.configured.Disabled != d.Disabled || h.gone {
		h.enabled = !d.Disabled
	}
	if changed = h.cause == provider.NoMoney && !h.gone; changed {
		h.uncool() // whoever applies a configuration may have paid
	}
	h.replace(d)
	h.gone = false
	h.put(expected, h.e.pool(d.Profile.Pool, h.e.round), epoch, now, false)
	return changed
}

// put puts into force what is configured and what the provider has reported; reported
// says that the latter has changed.
func (h *handle) put(expected int64, pool *pool, epoch, now int64, reported bool) {
	d := h.inForce()
	h.provided, h.lapseAt = d.Limits, h.nextLapse()
	d.Limits = d.Limits.withMargin(d.Margin)
	if h.cfg.Limits.RPD != d.Limits.RPD || h.cfg.Limits.TPD != d.Limits.TPD {
		h.days.cur.listed = false
	}
	h.cfg = d
	h.tokenCap, h.reqCap = capOf(d.Limits.TPM), capOf(d.Limits.RPM)
	own := h.configured
	own.Limits = own.Limits.withMargin(own.Margin)
	h.configuredTokenCap, h.configuredReqCap = capOf(own.Limits.TPM), capOf(own.Limits.RPM)
	if _, plain := cellRule(&d.Profile); !plain || d.Profile.Pool != "" { // meters have them
		h.tokenCap, h.reqCap = window.Max, window.Max
		h.configuredTokenCap, h.configuredReqCap = window.Max, window.Max
	}
	if h.ceiling.Store(window.Max); h.tokenCap > 0 {
		h.ceiling.Store(h.tokenCap)
	}
	h.countsRefused.Store(d.Profile.CountsRefused)
	h.flight.limit(capOf(d.Limits.MaxInFlight))
	ms := h.meters.Load().measure(&d, &own, h.clock, pool, epoch, now)
	if ms != nil && h.tokenCap > 0 {
		ms.most[dimTokens] = min(ms.most[dimTokens], h.tokenCap)
	}
	h.startDays(ms, epoch)
	s := &noShare
	if p := h.place.Load(); p != nil {
		s = &p.g.cur.Load().shares[p.i]
	}
	ms.recap(now, reported, s, &h.days.cur)
	h.meters.Store(ms)
	if d.Limits.TPM > 0 {
		expected = min(expected, max(d.Limits.TPM/100, 1))
	}
	h.assumed.Store(expected)
}
