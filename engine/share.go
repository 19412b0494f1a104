package engine

import (
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Collect appends to dst what this node has used: a report for each deployment
// and each of the present and the previous minute in which it used anything or
// had, since the last Collect, changed what it used. Usage is cumulative within
// a window and includes reservations; input and output are counted where there
// are limits on them. Of groups that somebody asked for since the last Collect it
// lists the unused deployments too, so that a syncer can learn what others use of
// them. Windows that ended for good between two calls are reported once more if
// they had changed.
//
// Of deployments with limits per day it lists the day too, of a kind of its own:
// whenever its usage has changed since the last Collect, and once in each day
// whether it has or not, so that a syncer knows of the day from the start. Of a
// day that has ended it speaks for two minutes, and once more if nobody collected
// then; later changes stay on this node.
//
// While a deployment cools down for a reason that this node has found, the
// reports of its minute say until when.
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
		for i := range p.handles {
			dst = p.collect(dst, i, 0, false)
		}
	}
	for i, h := range f.handles {
		dst = f.collect(dst, i, h.telling(now), asked && !h.gone)
		dst = h.collectDay(dst, now)
	}
	return dst
}

// collect reports a cell's usage and a cooldown (Unix ns, 0 = none), if there is
// anything to say.
func (f *frame) collect(dst []window.Report, i int, cooling int64, asked bool) []window.Report {
	t, r := f.own(i)
	split := f.ownSplit(i)
	s := &f.shares[i]
	told := s.toldSplit()
	if t|r|s.toldTokens|s.toldRequests|split[0]|split[1]|told[0]|told[1]|cooling == 0 && !asked {
		return dst
	}
	s.toldTokens, s.toldRequests = t, r
	for d := range split {
		s.split[d].told = split[d]
	}
	report := f.handles[i].report(f.Epoch, t, r, split)
	report.CoolUntil = (cooling + 1e6 - 1) / 1e6
	return append(dst, report)
}

func (s *share) toldSplit() [splits]int64 { return [splits]int64{s.split[0].told, s.split[1].told} }

func (h *handle) report(epoch, tokens, requests int64, split [splits]int64) window.Report {
	return window.Report{
		Tally: window.Tally{
			ID: h.id, Start: window.StartSeconds(epoch), Requests: requests, Tokens: tokens, Input: split[dimInput], Output: split[dimOutput],
		},
		RequestLimit: h.cfg.Limits.RPM,
		TokenLimit:   h.cfg.Limits.TPM,
		InputLimit:   h.cfg.Limits.InputTPM,
		OutputLimit:  h.cfg.Limits.OutputTPM,
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
// share starts with others at 0 and no ceiling. A count below zero says nothing:
// what was known stays. Counts above [MaxCount] are taken as MaxCount; a ceiling
// below zero admits nothing. Counts that the deployment has no limits for, beside
// requests and tokens of a minute, are ignored.
//
// A cooldown is taken in whatever the window: it begins at once, never shortens
// one that lasts longer, and ends within 25 hours. Collect does not report it:
// others have found it.
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
	if in.CoolUntil > now/1e6 {
		f.cool(i, in.CoolUntil, now)
	}
	if in.Kind != window.KindMinute {
		if h.absorbDay(in) {
			f.eased(i)
		}
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
	s.tokens, s.requests = known(in.Tokens, s.tokens), known(in.Requests, s.requests)
	s.ceilTokens, s.ceilRequests = ceiling(in.CeilingTokens), ceiling(in.CeilingRequests)
	s.setSplit(in)
}

// others returns all that the others used.
func (s *share) others() *amounts {
	return &amounts{dimInput: s.split[dimInput].others, dimOutput: s.split[dimOutput].others, dimTokens: s.tokens, dimRequests: s.requests}
}

// known returns a count that was told; before, if it says nothing.
func known(n, before int64) int64 {
	if n < 0 {
		return before
	}
	return min(n, MaxCount)
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
	f.absorbSplit(i, &before, s)
	more, was := s.others(), before.others()
	for d := range more {
		more[d] -= was[d]
	}
	f.handles[i].meters.Load().absorb(more)
	f.eased(i)
}
