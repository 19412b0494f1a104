package engine

import (
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Collect appends to dst what this node has used: a report for each deployment
// and each of the present and the previous window in which it used anything or
// had, since the last Collect, changed what it used. Usage is cumulative within
// a window and includes reservations. Of groups that somebody asked for since
// the last Collect it lists the unused deployments too, so that a syncer can
// learn what others use of them. Windows that ended for good between two calls
// are reported once more if they had changed.
//
// One caller at a time, normally the syncer: what one call has reported the next
// does not repeat unless its window still runs.
func (e *Engine) Collect(dst []window.Report) []window.Report {
	now := e.clock.Read()
	e.rest.collecting.Store(true)
	e.turn(now)
	dst = e.rest.take(dst)
	for _, g := range *e.all.Load() {
		dst = g.collect(dst, now)
	}
	return dst
}

func (g *Group) collect(dst []window.Report, now int64) []window.Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(now)
	asked := g.asked.Swap(false)
	if p := f.prev.Load(); p != nil {
		dst = p.collect(dst, false)
	}
	return f.collect(dst, asked)
}

func (f *frame) collect(dst []window.Report, asked bool) []window.Report {
	for i, h := range f.handles {
		t, r := f.own(i)
		s := &f.shares[i]
		if t|r|s.toldTokens|s.toldRequests != 0 || asked && !h.gone {
			s.toldTokens, s.toldRequests = t, r
			dst = append(dst, h.report(f.Epoch, t, r))
		}
	}
	return dst
}

func (h *handle) report(epoch, tokens, requests int64) window.Report {
	return window.Report{
		Tally:        window.Tally{ID: h.id, Start: window.StartSeconds(epoch), Requests: requests, Tokens: tokens},
		RequestLimit: h.cfg.Limits.RPM,
		TokenLimit:   h.cfg.Limits.TPM,
	}
}

// leftovers are reports of windows that were folded before a Collect saw the
// last of them. They are bounded: what no Collect comes for is dropped.
type leftovers struct {
	collecting atomic.Bool // somebody collects at all
	mu         sync.Mutex
	reports    []window.Report
}

const maxLeftovers = 4 * MaxDeployments

func (l *leftovers) keep(r window.Report, dropped *atomic.Int64) {
	if !l.collecting.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) == maxLeftovers {
		l.reports = append(l.reports[:0], l.reports[maxLeftovers/2:]...)
		dropped.Add(maxLeftovers / 2)
	}
	l.reports = append(l.reports, r)
}

func (l *leftovers) take(dst []window.Report) []window.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	dst = append(dst, l.reports...)
	l.reports = nil
	return dst
}

// Absorb takes in what the other nodes used, and how far this node may go, per
// deployment and window. A share replaces the one before it for the same
// window; shares for the window after the present one are kept for it, and those
// for other windows or unknown deployments are ignored. A new window without a
// share starts with others at 0 and no ceiling. Counts below zero are taken as
// zero, above [MaxCount] as MaxCount; a ceiling below zero admits nothing.
//
// Only the syncer calls it; calls do not overlap.
func (e *Engine) Absorb(shares []window.Share) {
	now := e.clock.Read()
	for i := range shares {
		s := &shares[i]
		h, ok := e.handles.Load(s.ID)
		if !ok {
			continue
		}
		p := h.lock()
		if p == nil {
			continue
		}
		p.g.absorb(h, p.i, s, now)
		p.g.mu.Unlock()
	}
}

func (g *Group) absorb(h *handle, i int, in *window.Share, now int64) {
	f := g.turnLocked(now)
	if !f.has(i, h) {
		return
	}
	switch window.EpochOf(in.Start) {
	case f.Epoch:
		f.absorb(i, in)
	case f.Epoch + 1:
		if g.next == nil {
			g.next = newFrame(f.layout, f.Epoch+1)
		}
		g.next.shares[i].set(in)
	}
}

func (s *share) set(in *window.Share) {
	s.tokens, _ = clamp(in.Tokens)
	s.requests, _ = clamp(in.Requests)
	s.ceilTokens, s.ceilRequests = ceiling(in.CeilingTokens), ceiling(in.CeilingRequests)
}

func ceiling(n int64) int64 {
	switch {
	case n == 0 || n > window.Max:
		return window.Max
	case n < 0:
		return 0
	}
	return n
}

func (f *frame) absorb(i int, in *window.Share) {
	s := &f.shares[i]
	before := *s
	s.set(in)
	f.shift(i, s.tokens-before.tokens, s.requests-before.requests)
	f.handles[i].meters.Load().absorb(s.tokens-before.tokens, s.requests-before.requests)
	f.eased(i)
}
