package engine

// Lease is a request that was admitted: one request and a number of tokens,
// reserved on a deployment in the minute of admission. Exactly one of Settle,
// SettleReserved and Release ends it; what is called afterwards, a deferred
// Release for instance, does nothing. A lease belongs to one goroutine at a time
// and must not be copied. One that is never ended keeps its reservation for its
// minute and stops counting as in flight after [Config.LeaseTTL].
//
// The zero Lease, which a refusal returns, has ended.
type Lease struct {
	_        noCopy
	h        *handle
	begun    instant // when it was admitted, and in which epoch it was counted
	reserved int64
	added    int64
	held     int64 // counted in flight; uncounted: not at all
	metered  metered
	mark     mark // of the request, once signals are observed
	refused  bool // by the provider, as observed
}

// uncounted as what a lease holds says that its slot was full.
const uncounted int64 = -1

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Ref returns the deployment; the zero Ref when the lease has ended.
func (l *Lease) Ref() Ref { return Ref{l.h} }

// Reserved returns the tokens reserved at admission, without what Add has added;
// 0 when the lease has ended.
func (l *Lease) Reserved() int64 { return l.reserved }

// Add counts output tokens beyond the reservation while the answer streams in,
// whatever the limit. Settle replaces them, with the reservation, by the usage.
func (l *Lease) Add(outputTokens int64) {
	h := l.h
	if h == nil {
		return
	}
	n, ok := clamp(outputTokens)
	if !ok {
		h.e.invalid.Add(1)
	}
	if n = min(n, MaxCount-l.added); n <= 0 {
		return
	}
	if l.metered != 0 {
		n = l.meteredOutput(n)
	}
	h.adjust(l.begun.epoch(), n)
	if f, _ := h.find(now); l.held != uncounted && f != nil && h.e.slot(f.Epoch)-h.e.slot(l.begun.epoch()) < flightSlots {
		l.held += h.flight.grow(h.e.slot(l.begun.epoch()), n)
	}
	l.added += n
}

// Settle ends the lease: the call was made and consumed u. The difference to the
// reservation goes to the minute of admission while that is the present or the
// previous one; later, more than reserved is charged to the present minute, and
// less changes only the totals. What a provider's figure has replaced since is not
// given back, see [Ref.Observe]. Call it with Usage{} when the provider refused
// the call: the request stays counted.
func (l *Lease) Settle(u Usage) {
	h := l.h
	if h == nil {
		return
	}
	if l.refused && u == (Usage{}) {
		l.refusedUpstream()
		return
	}
	u = h.e.checked(u)
	in, out := u.InputTokens, u.OutputTokens
	if l.metered != 0 {
		in, out = l.final(&u)
	}
	if h.listens.Load() {
		l.settleObserved(in, out)
	} else {
		if l.metered != 0 {
			l.settleMeters(in, out)
		}
		h.adjust(l.begun.epoch(), in+out-l.reserved-l.added)
	}
	if u != (Usage{}) {
		h.proven(l.begun.at())
	}
	h.settled(u, l.end())
	h.relearned()
}

// refusedUpstream ends the lease of a call that the provider refused: it has used
// nothing, and is a request only where refused calls count.
func (l *Lease) refusedUpstream() {
	h, requests := l.h, int64(1)
	if h.countsRefused.Load() {
		requests = 0
	}
	l.giveBack(requests)
	h.settled(Usage{}, l.end())
}

// giveBack takes back what was counted for the lease: all tokens, and that many
// requests, 0 or 1.
func (l *Lease) giveBack(requests int64) {
	h, in, all := l.h, l.metered.input(), l.reserved+l.added
	d := amounts{dimInput: -in, dimOutput: in - all, dimTokens: -all, dimRequests: -requests}
	if h.listens.Load() {
		l.changeObserved(&d)
		return
	}
	if l.metered != 0 {
		l.meter(&d)
	}
	h.adjust(l.begun.epoch(), -all)
	if requests != 0 {
		l.returnRequest()
	}
}

// SettleReserved ends the lease of a call that was made but whose usage is
// unknown: the reservation and what was added stand.
func (l *Lease) SettleReserved() {
	if h := l.h; h != nil && l.end() {
		h.mean.count()
	}
}

// Release ends the lease of a call that was never made: its request and its
// tokens are given back.
func (l *Lease) Release() {
	h := l.h
	if h == nil {
		return
	}
	l.giveBack(1)
	if l.end() {
		h.e.released.Add(1)
	}
}

// end takes the lease out of flight, once. False: it had expired.
func (l *Lease) end() (counted bool) {
	h, slot := l.h, l.h.e.slot(l.begun.epoch())
	l.h, l.reserved, l.added, l.refused = nil, 0, 0, false
	f, i := h.find(now)
	if f == nil || f.Epoch > l.begun.epoch()+1 {
		h.e.late.Add(1)
		if f == nil || h.e.slot(f.Epoch)-slot >= flightSlots { // turns repeat
			return false
		}
	}
	if l.held == uncounted || !h.flight.exit(slot, l.held) {
		return false
	}
	if f.limited {
		if h.flight.limited.Load() {
			h.flight.learn(h.clock.Now() - l.begun.at())
		}
		f.eased(i)
	}
	return true
}

// meteredOutput counts streamed output in the meters and returns what it weighs.
func (l *Lease) meteredOutput(n int64) int64 {
	if ms := l.h.meters.Load(); ms != nil && l.metered&isRated != 0 {
		_, n = ms.charged(&Usage{OutputTokens: n})
		n = min(n, MaxCount-l.added)
	}
	l.meter(&amounts{dimOutput: n, dimTokens: n})
	return n
}

// final returns what a usage weighs.
func (l *Lease) final(u *Usage) (in, out int64) {
	in, out = u.InputTokens, u.OutputTokens
	if ms := l.h.meters.Load(); ms != nil && l.metered&isRated != 0 {
		input := l.metered.input()
		in, out = ms.final(u, input, l.reserved-input+l.added)
	}
	return in, out
}

// difference returns what a usage, weighed, adds to what was charged.
func (l *Lease) difference(in, out int64) amounts {
	input := l.metered.input()
	output := l.reserved - input + l.added
	return amounts{dimInput: in - input, dimOutput: out - output, dimTokens: in + out - input - output}
}

// settleMeters replaces what the meters have counted by a usage.
func (l *Lease) settleMeters(in, out int64) {
	if d := l.difference(in, out); d != (amounts{}) {
		l.meter(&d)
	}
}

// settleObserved replaces what was counted by a usage where answers are observed.
func (l *Lease) settleObserved(in, out int64) {
	if d := l.difference(in, out); d != (amounts{}) {
		l.changeObserved(&d)
	}
}

// meter counts a difference in the meters the lease was admitted by.
func (l *Lease) meter(a *amounts) {
	if ms := l.h.meters.Load(); ms != nil {
		l.eased(ms, ms.adjust(l, a, nil))
	}
}

// eased says that meters count less than before.
func (l *Lease) eased(ms *meters, less bool) {
	if !less {
		return
	}
	if f, i := l.h.find(now); f != nil {
		f.eased(i)
	}
	if ms.pool != nil {
		ms.pool.ring() // the deployment may be one that was removed
	}
}

// adjust adds a difference to the tokens of an epoch that may have passed.
func (h *handle) adjust(epoch, tokens int64) {
	if tokens == 0 || h.add(epoch, tokens) {
		return
	}
	if tokens > 0 && h.add(now, tokens) {
		return
	}
	h.e.strayTokens.Add(tokens)
}
