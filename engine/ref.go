package engine

import (
	"math"
	"runtime"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Ref is a deployment, resolved once with [Engine.Ref] or returned by Pick. It
// is a small value, comparable, and stays valid across Apply. While its
// deployment is not configured, PreCheck refuses and Record counts for the
// minutes that still run.
type Ref struct{ h *handle }

// ID returns the deployment's ID, "" for the zero Ref.
func (r Ref) ID() string {
	if r.h == nil {
		return ""
	}
	return r.h.id
}

// alive returns the handle, or the one that has its ID now; nil for the zero Ref.
func (r Ref) alive() *handle {
	if r.h == nil || r.h.cell.Load() != nil {
		return r.h
	}
	if h, ok := r.h.e.handles.Load(r.h.id); ok {
		return h
	}
	return r.h
}

// PreCheck admits one request on this deployment and counts it, if it is
// enabled, not cooling down and within its request limit. Tokens that the demand
// names must fit too, but are not reserved: Record reports them. It ignores
// Order, Tags and Exclude, and the limit on leases. The zero Ref refuses.
func (r Ref) PreCheck(d Demand) bool {
	if r.h == nil {
		return false
	}
	if r.h.preChecked(&d) {
		return true
	}
	_, ok := r.alive().preCheck(&d, false)
	return ok
}

// preChecked is preCheck when nothing is in the way. False: nothing was done.
func (h *handle) preChecked(d *Demand) bool {
	tokens, ok := d.named()
	if !ok || d.Priority != 0 || h.clock.Now() >= h.wake.Load() {
		return false
	}
	c := h.cell.Load()
	return c != nil && c.TryRequest(tokens)
}

// Record adds the tokens of a request admitted by PreCheck to the present
// minute, whatever the limit. It adds no request.
func (r Ref) Record(u Usage) {
	if r.h != nil && !r.h.recorded(u) {
		r.alive().record(u)
	}
}

// recorded is record when nothing is in the way: counts in range, in a minute
// that still runs. False: nothing was done.
func (h *handle) recorded(u Usage) bool {
	if uint64(u.InputTokens|u.OutputTokens) > uint64(MaxCount) || h.clock.Now() >= h.wake.Load() {
		return false
	}
	c := h.cell.Load()
	return c != nil && c.CountTokens(u.InputTokens+u.OutputTokens)
}

// present returns the cell to count in at present; nil when the handle has been
// dropped.
func (h *handle) present() *window.Cell {
	if h.meters.Load() != nil {
		if f, i := h.presentMetered(); f != nil {
			return &f.cells[i]
		}
		return nil
	}
	if h.clock.Now() < h.wake.Load() {
		return h.cell.Load()
	}
	return h.turn()
}

// turn is present at the end of a minute or of a cooldown.
func (h *handle) turn() *window.Cell {
	if p := h.place.Load(); p != nil {
		p.g.turn(h.clock.Now())
	}
	return h.cell.Load()
}

// preCheck admits one request. A refusal rests on a fresh reading of the clock.
// Quiet: it is not counted, because the caller may try again.
func (h *handle) preCheck(d *Demand, quiet bool) (v verdict, ok bool) {
	tokens, ok := d.named()
	if !ok {
		h.e.invalid.Add(1)
		return verdict{why: whyInvalid}, false
	}
	part, ok := h.e.part(d.Priority)
	if !ok {
		h.e.invalid.Add(1)
		return verdict{why: whyInvalid}, false
	}
	if ms := h.meters.Load(); ms != nil {
		return h.preCheckMetered(d, part, ms, quiet)
	}
	at := reading{now: h.clock.Now()}
	for try := 0; ; try++ {
		c := h.present()
		if c == nil {
			return verdict{whyDisabled, at.now}, false
		}
		share := part
		if part != 0 && h.half.Load() {
			share = h.partNow(c, part)
		}
		why, half := admits(c, share, tokens)
		if why == whyNothing {
			switch c.CountRequestIn(share) {
			case window.Taken:
				return verdict{at: at.now}, true
			case window.Refused:
				why = whyRequests
			case window.Sealed:
				runtime.Gosched()
				continue
			}
		}
		p := h.place.Load()
		if p == nil || at.overtaken(h, p.g, c) {
			runtime.Gosched()
			continue
		}
		if half && try < tries {
			if try >= triesQuick {
				runtime.Gosched()
			}
			continue
		}
		if why == whyRequests && h.half.Load() {
			why = whyCooling
		}
		p.g.refuse(why, half, quiet)
		return verdict{why, at.now}, false
	}
}

// refuse counts a refusal by a deployment, given up on if an attempt was still
// half way.
func (g *Group) refuse(why reason, half, quiet bool) {
	if half {
		g.e.contended.Add(1)
	}
	g.asked.Store(true)
	if !quiet {
		g.refusals[reasonLimit[why]].Add(1)
	}
}

// reading is the reading of the clock that a decision about one deployment rests
// on. Fresh: it was read for this decision, not taken from [window.Clock.Run].
type reading struct {
	now   int64
	fresh bool
}

// overtaken reports whether the refusal by cell c does not stand, because the
// instant was not fresh or the group has moved on since.
func (t *reading) overtaken(h *handle, g *Group, c *window.Cell) bool {
	again := false
	if !t.fresh {
		*t, again = reading{g.clock.Read(), true}, h.meters.Load() != nil
	}
	if t.now >= g.cur.Load().wake.Load() {
		g.turn(t.now)
		again = true
	}
	if h.cell.Load() != c {
		again = true
		t.fresh = t.now >= g.cur.Load().begin()
	}
	return again
}

func (h *handle) record(u Usage) {
	u = h.e.checked(u)
	n := u.InputTokens + u.OutputTokens
	if n == 0 {
		return
	}
	if ms := h.meters.Load(); ms != nil {
		h.presentMetered()
		in, out := ms.charged(&u)
		n = in + out
		ms.count(&amounts{dimInput: in, dimOutput: out, dimTokens: n})
	}
	for n != 0 {
		c := h.present()
		if c == nil {
			h.e.strayTokens.Add(n)
			return
		}
		if c.AddTokens(n) {
			return
		}
		runtime.Gosched()
	}
}

// change runs do on the handle under the mutex of its group, then sets its caps
// anew and tells the search. Nothing happens once the handle has been dropped.
func (h *handle) change(do func(now int64)) {
	h.whole(func(f *frame, i int, now int64) {
		do(now)
		f.regate(i)
	})
}

// whole runs do on the handle's cell in the present frame, under the mutex of its
// group. Nothing happens once the handle has been dropped.
func (h *handle) whole(do func(f *frame, i int, now int64)) {
	p := h.lock()
	if p == nil {
		return
	}
	g := p.g
	defer g.mu.Unlock()
	now := g.clock.Read()
	f := g.turnLocked(now)
	if p = h.place.Load(); p != nil && f.has(p.i, h) { // a new layout may have moved it
		do(f, p.i, now)
	}
}

// lock locks the group in which the handle has its place.
func (h *handle) lock() *place {
	for {
		p := h.place.Load()
		if p == nil {
			return nil
		}
		p.g.mu.Lock()
		if h.place.Load() == p {
			return p
		}
		p.g.mu.Unlock()
	}
}

// Cooldown keeps the deployment from being picked or admitted for d from now.
// It never shortens a cooldown that lasts longer, but 0 or less ends it. The other
// nodes are told of it, for 25 hours at most; that it was ended they are not.
func (r Ref) Cooldown(d time.Duration) {
	if r.h == nil {
		return
	}
	h := r.alive()
	h.change(func(now int64) {
		if d <= 0 {
			h.uncool()
			return
		}
		until := now + int64(d)
		if until < now {
			until = math.MaxInt64
		}
		if until > h.coolUntil {
			h.coolUntil, h.cause = until, provider.Fine
		}
		h.tell(until, now)
	})
}

// SetEnabled is the switch of an operator or a health check. It holds until it
// is called again or an Apply changes [Deployment.Disabled]. Switching a deployment
// off and on ends a cooldown that began because its account was empty.
func (r Ref) SetEnabled(on bool) {
	if r.h == nil {
		return
	}
	h := r.alive()
	h.change(func(int64) {
		if on && !h.enabled && h.cause == provider.NoMoney {
			h.uncool()
		}
		h.enabled = on
	})
}
