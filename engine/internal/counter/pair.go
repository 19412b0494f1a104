package counter

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// Words, with the tags in the top bits, where an overflow is lost:
//
//	tokens   [attempts begun:10][generation:10][value:44]
//	requests [attempts ended:18][generation:10][value:36]
//
// The generation changes whenever the half is opened (protocol 1).
//
// An attempt takes tokens first and the request last, so equal tags mean that no
// attempt is half way (protocol 4). The attempts that have ended are also the leases that have
// begun, except those that were undone: these, and the increments of Shift, are counted as
// ended leases too (see [Flight], protocol 6). So the beginning of a lease needs no update of
// its own.
const (
	tokenBits, requestBits = 44, 36
	tokenValue             = int64(1)<<tokenBits - 1
	requestValue           = int64(1)<<requestBits - 1
	generations            = int64(1)<<10 - 1
	tokenTag               = int64(1) << (tokenBits + 10)
	requestTag             = int64(1) << (requestBits + 10)
	leaseMask              = int64(1)<<18 - 1
)

// Pair is the tokens and requests of one window, with their caps: all that the scan of a search
// reads. It is where RPM and TPM admit or refuse: [Pair.TakeTokens], [Pair.TakeRequest].
type Pair struct {
	tokens, requests     atomic.Int64
	tokenCap, requestCap atomic.Int64
	win                  atomic.Int64
	tokenAdj, requestAdj atomic.Int64 // by providers' figures; see Adjust
	limits               atomic.Pointer[pairLimits]
}

// pairLimits are the limits of a pair. A [Part] is a part of the limit, while the cap may be
// lower because of a ceiling. Each limit is read alone.
type pairLimits struct{ tokens, requests atomic.Int64 }

// Hot is a deployment's two halves, a cache line each, allocated once.
type Hot [2]Pair

// Of returns the half of a window. It branches, because a processor predicts which half it is,
// and so need not wait for the window's number before it reads the half.
func (h *Hot) Of(w int64) *Pair {
	if w&1 == 0 {
		return &h[0]
	}
	return &h[1]
}

// Tokens returns the tokens used.
func (c *Pair) Tokens() int64 { return c.tokens.Load() & tokenValue }

// Requests returns the requests used.
func (c *Pair) Requests() int64 { return c.requests.Load() & requestValue }

// Untouched reports whether nothing is counted, by requests or by providers' figures.
func (c *Pair) Untouched() bool {
	return c.Tokens()|c.Requests()|c.tokenAdj.Load()|c.requestAdj.Load() == 0
}

// Began returns how many leases have begun, modulo 2^18.
func (c *Pair) Began() int64 { return int64(uint64(c.requests.Load()) >> (requestBits + 10)) }

// Window returns the window of the half.
func (c *Pair) Window() int64 { return c.win.Load() }

// Look returns the tokens used. Short is negative if a request of n tokens does not fit.
func (c *Pair) Look(n int64) (used, short int64) {
	used = c.tokens.Load() & tokenValue
	return used, (c.tokenCap.Load() - n - used) | (c.requestCap.Load() - 1 - c.requests.Load()&requestValue)
}

// LookBoth is Look with the requests used.
func (c *Pair) LookBoth(n int64) (used, requests, short int64) {
	used, requests = c.tokens.Load()&tokenValue, c.requests.Load()&requestValue
	return used, requests, (c.tokenCap.Load() - n - used) | (c.requestCap.Load() - 1 - requests)
}

// Fits reports whether one request of that many tokens fits within a part of the
// caps.
func (c *Pair) Fits(p Part, n int64) bool {
	return c.Tokens()+n <= c.tokensIn(p) && c.Requests() < c.requestsIn(p)
}

// Limit sets the limits to which a [Part] applies. The caller shifts or opens both
// halves afterwards. Under the owner's mutex.
func (h *Hot) Limit(tokens, requests int64) {
	l := h[0].limits.Load()
	if l == nil { // no request has found the deployment yet
		l = new(pairLimits)
		h[0].limits.Store(l)
		h[1].limits.Store(l)
	}
	Change(&l.tokens, tokens)
	Change(&l.requests, requests)
}

// tokensIn returns the cap of admissions within a part of the limit: the cap, or the part if
// that is lower.
func (c *Pair) tokensIn(p Part) int64 {
	most := c.tokenCap.Load()
	if p == 0 {
		return most
	}
	return c.tokensWithin(p, most)
}

func (c *Pair) tokensWithin(p Part, most int64) int64 {
	if l := c.limits.Load(); l != nil {
		return min(most, p.of(l.tokens.Load()))
	}
	return p.of(most)
}

// requestsIn is tokensIn for requests.
func (c *Pair) requestsIn(p Part) int64 {
	most := c.requestCap.Load()
	if p == 0 {
		return most
	}
	return c.requestsWithin(p, most)
}

func (c *Pair) requestsWithin(p Part, most int64) int64 {
	if l := c.limits.Load(); l != nil && p&unshared == 0 {
		return min(most, p.of(l.requests.Load()))
	}
	return p.requests(most)
}

// Caps returns the caps.
func (c *Pair) Caps() (tokens, requests int64) { return c.tokenCap.Load(), c.requestCap.Load() }

// Half returns how many attempts are half way, modulo 1024 (protocol 4, bound).
func (c *Pair) Half() int64 {
	r := c.requests.Load() // before the tokens: equal tags prove that no attempt was half way between the two loads
	return (int64(uint64(c.tokens.Load())>>(tokenBits+10)) - int64(uint64(r)>>(requestBits+10))) & 1023
}

// Room is the headroom of a pair within a part of its caps, by one load of each word.
type Room struct {
	Tokens int64 // the most tokens of a request, negative if none fits
	Half   int64 // attempts half way (protocol 4)
	Full   bool  // the requests are used up; Tokens has no meaning then
	Ample  bool  // requests are left for all attempts half way
	Ceiled bool  // a ceiling bounds admissions below the limit, of requests if Full, else of tokens
}

// Room returns the headroom of the pair within a part of its caps.
func (c *Pair) Room(p Part) Room {
	r := c.requests.Load() // before the tokens, as in Half
	t := c.tokens.Load()
	tokens, most := c.tokensIn(p), c.requestsIn(p)
	half := (int64(uint64(t)>>(tokenBits+10)) - int64(uint64(r)>>(requestBits+10))) & 1023
	room := Room{
		Tokens: tokens - t&tokenValue,
		Half:   half,
		Full:   r&requestValue >= most,
		Ample:  p == 0 && r&requestValue+half <= most,
	}
	if l := c.limits.Load(); l != nil {
		room.Ceiled = tokens < p.Of(l.tokens.Load())
		if room.Full {
			room.Ceiled = r&requestValue < p.requests(l.requests.Load())
		}
	}
	return room
}

// TakeTokens begins an attempt in window w (protocol 4) by taking n tokens, if they and one
// request fit within a part of the caps: used + n <= cap. The caller must end the attempt by
// TakeRequest, or by AddTokens of -n and End.
func (c *Pair) TakeTokens(p Part, w, n int64) Outcome {
	for {
		t := c.tokens.Load()
		if c.win.Load() != w {
			return Moved
		}
		if t&tokenValue+n > c.tokensIn(p) || c.requests.Load()&requestValue >= c.requestsIn(p) {
			return Refused
		}
		if c.tokens.CompareAndSwap(t, t+n+tokenTag) {
			return Taken
		}
	}
}

// Begin begins an attempt that takes no tokens, whatever the caps. False: the window
// has passed.
func (c *Pair) Begin(w int64) bool { return c.tag(&c.tokens, w, tokenTag) }

// TakeRequest ends an attempt by counting its request, if that fits: used + 1 <= cap. Otherwise
// the attempt has not ended.
func (c *Pair) TakeRequest(p Part, w int64) Outcome { return c.take(p, w, 1+requestTag) }

// CountRequest counts one request that is no lease.
func (c *Pair) CountRequest(p Part, w int64) Outcome { return c.take(p, w, 1) }

// TryRequest is CountRequest within the whole caps, if so many tokens fit too. False: it does
// not fit, or the window has passed.
func (c *Pair) TryRequest(w, tokens int64) bool {
	for {
		r := c.requests.Load()
		room := c.tokenCap.Load()
		if tokens != 0 {
			room -= c.tokens.Load()&tokenValue + tokens
		}
		if c.win.Load() != w || room < 0 || r&requestValue >= c.requestCap.Load() {
			return false
		}
		if c.requests.CompareAndSwap(r, r+1) {
			return true
		}
	}
}

func (c *Pair) take(p Part, w, n int64) Outcome {
	for {
		r := c.requests.Load()
		if c.win.Load() != w {
			return Moved
		}
		if r&requestValue >= c.requestsIn(p) {
			return Refused
		}
		if c.requests.CompareAndSwap(r, r+n) {
			return Taken
		}
	}
}

// End ends an attempt that was undone; the caller counts one ended lease for it.
// False: the window has passed.
func (c *Pair) End(w int64) bool { return c.tag(&c.requests, w, requestTag) }

// tag adds to the tag of a word. False: the window has passed.
func (c *Pair) tag(word *atomic.Int64, w, tag int64) bool {
	for {
		v := word.Load()
		if c.win.Load() != w {
			return false
		}
		if word.CompareAndSwap(v, v+tag) {
			return true
		}
	}
}

// CountTokens adds n, which may be negative, to the tokens of window w, whatever the cap.
// The count stays within [0, Max]. It returns the count; -1: the window has passed, and
// nothing was added.
func (c *Pair) CountTokens(w, n int64) (used int64) {
	for {
		t := c.tokens.Load()
		if c.win.Load() != w {
			return -1
		}
		to := t + n // first, as the swap depends on it; a count out of range is rare
		if used = t&tokenValue + n; uint64(used) > uint64(Max) {
			used = min(max(used, 0), Max)
			to = t&^tokenValue | used
		}
		if c.tokens.CompareAndSwap(t, to) {
			return used
		}
	}
}

// AddTokens is CountTokens. False: the window has passed.
func (c *Pair) AddTokens(w, n int64) bool { return c.CountTokens(w, n) >= 0 }

// AddRequests is AddTokens for requests, up to MaxRequests.
func (c *Pair) AddRequests(w, n int64) bool {
	for {
		r := c.requests.Load()
		if c.win.Load() != w {
			return false
		}
		if c.requests.CompareAndSwap(r, r&^requestValue|min(max(r&requestValue+n, 0), MaxRequests)) {
			return true
		}
	}
}

// Adjusted returns what providers' figures have added to the counts.
func (c *Pair) Adjusted() (tokens, requests int64) { return c.tokenAdj.Load(), c.requestAdj.Load() }

// Adjust adds to the adjustments by providers' figures. The caller shifts the counts as
// well. Under the owner's mutex.
func (c *Pair) Adjust(tokens, requests int64) {
	c.tokenAdj.Add(tokens)
	c.requestAdj.Add(requests)
}

// Open folds the half's window and opens the half for window w, with the usage of other
// nodes counted. It returns the counts of the folded window, and how many leases had begun in it,
// modulo 2^18. Under the owner's mutex, before w is published (protocols 1 and 2).
func (c *Pair) Open(w, tokens, requests, tokenCap, requestCap int64) (t, r, began int64) {
	c.win.Store(none(w))
	invariants.Yield()
	generation := (c.tokens.Load()>>tokenBits + 1) & generations
	t = c.tokens.Swap(generation<<tokenBits | min(tokens, Max))
	r = c.requests.Swap(generation<<requestBits | min(requests, MaxRequests))
	invariants.Yield()
	Change(&c.tokenAdj, 0)
	Change(&c.requestAdj, 0)
	Change(&c.requestCap, requestCap)
	Change(&c.tokenCap, tokenCap)
	invariants.Yield()
	c.win.Store(w)
	return t & tokenValue, r & requestValue, int64(uint64(r) >> (requestBits + 10))
}

// Change stores a value that differs, because a store costs more than a load. Under the owner's
// mutex.
func Change(x *atomic.Int64, v int64) {
	if x.Load() != v {
		x.Store(v)
	}
}

// none is the win of a half that has no window: a number that no window has, with the same
// parity.
func none(w int64) int64 { return w&1 - 2 }

// Shut closes the half of window w, so that nothing is counted in it any more. If more than
// the given usage of other nodes is counted, the half stays open and Shut
// returns false. Nothing is folded. A concurrent count either finds no window, or keeps the
// half open. Under the owner's mutex.
func (c *Pair) Shut(w, tokens, requests int64) bool {
	c.win.Store(none(w)) // before the words, as in Open
	if shutWord(&c.tokens, tokenBits, min(tokens, Max)) && shutWord(&c.requests, requestBits, min(requests, MaxRequests)) {
		return true
	}
	c.win.Store(w)
	return false
}

// Reopen undoes Shut.
func (c *Pair) Reopen(w int64) { c.win.Store(w) }

func shutWord(x *atomic.Int64, bits, others int64) bool {
	return shutIf(x, bits, func(v int64) bool { return v <= others })
}

// shutIf gives a word a new generation if empty returns true for its value.
func shutIf(x *atomic.Int64, bits int64, empty func(value int64) bool) bool {
	for {
		v := x.Load()
		if !empty(v & (1<<bits - 1)) {
			return false
		}
		if x.CompareAndSwap(v, v&^(generations<<bits)|(v>>bits+1)&generations<<bits) {
			return true
		}
	}
}

// Shift adds to the counts and sets the caps. No admission sees more headroom than there is before
// or after, because caps are lowered before the counts change and raised afterwards. Both tags
// are incremented, so that a word that returns to an old value is still new; the caller counts
// one ended lease for that (protocol 6). False: the tags stay, because no count changes and no
// cap is lowered. Under the owner's mutex.
func (c *Pair) Shift(tokens, requests, tokenCap, requestCap int64) (moved bool) {
	if tokens|requests == 0 && tokenCap >= c.tokenCap.Load() && requestCap >= c.requestCap.Load() {
		Change(&c.requestCap, requestCap)
		Change(&c.tokenCap, tokenCap)
		return false
	}
	if tokenCap < c.tokenCap.Load() {
		c.tokenCap.Store(tokenCap)
	}
	if requestCap < c.requestCap.Load() {
		c.requestCap.Store(requestCap)
	}
	invariants.Yield()
	for {
		t := c.tokens.Load()
		if c.tokens.CompareAndSwap(t, (t&^tokenValue|min(max(t&tokenValue+tokens, 0), Max))+tokenTag) {
			break
		}
	}
	for {
		r := c.requests.Load()
		if c.requests.CompareAndSwap(r, (r&^requestValue|min(max(r&requestValue+requests, 0), MaxRequests))+requestTag) {
			break
		}
	}
	invariants.Yield()
	c.requestCap.Store(requestCap)
	c.tokenCap.Store(tokenCap)
	return true
}

// Ended returns how many attempts have ended, for Since.
func (c *Pair) Ended() int64 { return int64(uint64(c.requests.Load())>>(requestBits+10)) & 1023 }

// Since returns how many attempts were half way at any instant since Ended was
// called (protocol 4), and whether requests are left for all of them.
func (c *Pair) Since(ended int64) (half int64, ample bool) {
	half = (int64(uint64(c.tokens.Load())>>(tokenBits+10)) - ended) & 1023
	return half, c.Requests()+half <= c.requestCap.Load()
}
