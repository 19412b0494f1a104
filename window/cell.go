package window

import "sync/atomic"

// A counter word is [tag:10][seal:1][value:53]. The tag is on top, where it
// wraps off the end without touching anything. The token word's tag counts the
// attempts that have begun, the request word's tag those that have ended: equal
// tags mean that no attempt is half way.
const (
	sealBit   = int64(1) << 53
	valueMask = sealBit - 1
	tagShift  = 54
	tagUnit   = int64(1) << tagShift
)

// Max is where a counter saturates, and the cap that stands for "unlimited".
const Max = int64(1) << 52

// Caps that admit nothing, whatever the cost; see [Cell.SetCaps].
const (
	CapCooling  = int64(-1) // the deployment is cooling down
	CapDisabled = int64(-2) // it is switched off, or gone
)

// Outcome is how a step of an admission ended.
type Outcome uint8

const (
	Refused Outcome = iota // at the cap; nothing was changed
	Taken                  // counted
	Sealed                 // the cell has been replaced: find it again
)

// Cell is the usage of one deployment in one window, and how far admissions may
// take it. All methods are safe for concurrent use, but for SetCaps, Shift,
// Close, Seal and CopyFrom, of which one may run at a time.
//
// An admission takes the tokens first and the request second. Only requests
// whose attempt has ended are ever counted, so a request refused at its cap is
// refused for good; tokens may belong to an attempt that will give them back.
type Cell struct{ tokens, requests, tokenCap, requestCap atomic.Int64 }

// Tokens returns the tokens used.
func (c *Cell) Tokens() int64 { return c.tokens.Load() & valueMask }

// Requests returns the requests used.
func (c *Cell) Requests() int64 { return c.requests.Load() & valueMask }

// Look returns the tokens used and, in the sign of short, whether a request of
// that many tokens does not fit (negative).
func (c *Cell) Look(tokens int64) (used, short int64) {
	used = c.tokens.Load() & valueMask
	return used, (c.tokenCap.Load() - tokens - used) | (c.requestCap.Load() - 1 - c.requests.Load()&valueMask)
}

// LookBoth is Look with the requests used.
func (c *Cell) LookBoth(tokens int64) (used, requests, short int64) {
	used, requests = c.tokens.Load()&valueMask, c.requests.Load()&valueMask
	return used, requests, (c.tokenCap.Load() - tokens - used) | (c.requestCap.Load() - 1 - requests)
}

// Fits reports whether one request of that many tokens fits now.
func (c *Cell) Fits(tokens int64) bool {
	_, short := c.Look(tokens)
	return short >= 0
}

// Room is what a cell can still take, from one look at it.
type Room struct {
	// Tokens is the most that a request may take, negative if it takes none.
	Tokens int64
	// Half is how many attempts were half way. Without any, nothing but what
	// Add and Shift do can change the rest.
	Half int64
	// Full says that the requests are used up; Tokens then means nothing.
	Full bool
	// Ample says that there are requests left for all that were half way: none
	// of them will have to give its tokens back for want of one.
	Ample bool
}

// Room returns what the cell can still take.
func (c *Cell) Room() Room {
	r := c.requests.Load() // before the tokens: equal tags then prove that nothing was half way in between
	t := c.tokens.Load()
	most := c.requestCap.Load()
	half := int64((uint64(t)>>tagShift - uint64(r)>>tagShift) & (1<<(64-tagShift) - 1))
	return Room{
		Tokens: c.tokenCap.Load() - t&valueMask,
		Half:   half,
		Full:   r&valueMask >= most,
		Ample:  r&valueMask+half <= most,
	}
}

// Caps returns what SetCaps has set.
func (c *Cell) Caps() (tokens, requests int64) { return c.tokenCap.Load(), c.requestCap.Load() }

// SetCaps sets how far admissions may take the cell: [Max] for no limit, or
// CapCooling or CapDisabled for the tokens to admit nothing at all.
func (c *Cell) SetCaps(tokens, requests int64) {
	c.tokenCap.Store(tokens)
	c.requestCap.Store(requests)
}

// TakeTokens begins an attempt by taking tokens, if they and one request fit.
// What is Taken must be followed by TakeRequest, or by AddTokens of the
// opposite and EndAttempt.
func (c *Cell) TakeTokens(n int64) Outcome {
	for {
		t := c.tokens.Load()
		if t&sealBit != 0 {
			return Sealed
		}
		if t&valueMask+n > c.tokenCap.Load() || c.requests.Load()&valueMask >= c.requestCap.Load() {
			return Refused
		}
		if c.tokens.CompareAndSwap(t, t+n+tagUnit) {
			return Taken
		}
	}
}

// Begin begins an attempt that takes no tokens. False: sealed.
func (c *Cell) Begin() bool {
	for {
		t := c.tokens.Load()
		if t&sealBit != 0 {
			return false
		}
		if c.tokens.CompareAndSwap(t, t+tagUnit) {
			return true
		}
	}
}

// Ended returns how many attempts have ended, for [Cell.Since].
func (c *Cell) Ended() uint64 { return uint64(c.requests.Load()) >> tagShift }

// Since returns how many attempts were half way at any instant since Ended was
// called, and whether there are requests left for all of them.
func (c *Cell) Since(ended uint64) (half int64, ample bool) {
	half = int64((uint64(c.tokens.Load())>>tagShift - ended) & (1<<(64-tagShift) - 1))
	return half, c.Requests()+half <= c.requestCap.Load()
}

// TakeRequest ends an attempt by counting its request.
func (c *Cell) TakeRequest() Outcome { return c.take(1 + tagUnit) }

// CountRequest counts one request that takes no tokens.
func (c *Cell) CountRequest() Outcome { return c.take(1) }

// TryRequest counts one request that takes no tokens if that many tokens would
// fit too. False: it does not fit, or the cell is sealed; nothing was changed.
func (c *Cell) TryRequest(tokens int64) bool {
	for {
		r := c.requests.Load()
		room := c.tokenCap.Load()
		if tokens != 0 {
			room -= c.tokens.Load()&valueMask + tokens
		}
		if room < 0 || r&(sealBit|valueMask) >= c.requestCap.Load() {
			return false
		}
		if c.requests.CompareAndSwap(r, r+1) {
			return true
		}
	}
}

func (c *Cell) take(n int64) Outcome {
	for {
		r := c.requests.Load()
		if r&sealBit != 0 {
			return Sealed
		}
		if r&valueMask >= c.requestCap.Load() {
			return Refused
		}
		if c.requests.CompareAndSwap(r, r+n) {
			return Taken
		}
	}
}

// EndAttempt ends an attempt that has given its tokens back. False: sealed.
func (c *Cell) EndAttempt() bool {
	for {
		r := c.requests.Load()
		if r&sealBit != 0 {
			return false
		}
		if c.requests.CompareAndSwap(r, r+tagUnit) {
			return true
		}
	}
}

// AddTokens adds what has been used, whatever the cap; n may be negative. The
// counter stays within [0, Max]. False: sealed, nothing was added.
func (c *Cell) AddTokens(n int64) bool { return add(&c.tokens, n) }

// AddRequests is AddTokens for requests.
func (c *Cell) AddRequests(n int64) bool { return add(&c.requests, n) }

func add(w *atomic.Int64, n int64) bool {
	if n <= 0 || n > maxCount {
		return addSlow(w, n)
	}
	v := w.Add(n)
	return v&(sealBit|Max) == 0 || saturate(w, v)
}

// maxCount is the most that CountTokens takes: far enough from the seal for all
// that may be counted at once.
const maxCount = int64(1) << 43

// CountTokens is AddTokens for n from 0 to 2^43, as fast as it can be.
func (c *Cell) CountTokens(n int64) bool {
	v := c.tokens.Add(n)
	return v&(sealBit|Max) == 0 || saturate(&c.tokens, v)
}

// saturate ends an Add that came to v. What is added to a sealed word is void: a
// caller does it once and finds the cell again, so that it cannot carry into the
// tag.
func saturate(w *atomic.Int64, v int64) bool {
	for sealed := v&sealBit != 0; ; v = w.Load() {
		if v&sealBit != 0 {
			return !sealed
		}
		if v&valueMask <= Max || w.CompareAndSwap(v, v&^valueMask|Max) {
			return true
		}
	}
}

func addSlow(w *atomic.Int64, n int64) bool {
	for {
		v := w.Load()
		if v&sealBit != 0 {
			return false
		}
		to := min(max(v&valueMask+min(n, Max), 0), Max)
		if w.CompareAndSwap(v, v&^valueMask|to) {
			return true
		}
	}
}

// Shift adds to the usage and sets the caps so that no admission sees more room
// than there is before and after: caps go down first and up last. Attempts that
// looked before the shift notice it.
func (c *Cell) Shift(tokens, requests, tokenCap, requestCap int64) {
	if tokenCap < c.tokenCap.Load() {
		c.tokenCap.Store(tokenCap)
	}
	if requestCap < c.requestCap.Load() {
		c.requestCap.Store(requestCap)
	}
	shift(&c.tokens, tokens)
	shift(&c.requests, requests)
	c.SetCaps(tokenCap, requestCap)
}

// shift moves the tag too: a word that comes back to an old value is still new.
func shift(w *atomic.Int64, n int64) {
	for {
		v := w.Load()
		to := min(max(v&valueMask+n, 0), Max)
		if w.CompareAndSwap(v, (v&^valueMask|to)+tagUnit) {
			return
		}
	}
}

// Close lets no more attempts begin; those half way can end. The caps stay
// closed until they are set again.
func (c *Cell) Close() { c.Shift(0, 0, CapDisabled, c.requestCap.Load()) }

// Seal closes the cell for good and returns what it held. Whatever a writer
// does later finds it Sealed.
func (c *Cell) Seal() (tokens, requests int64) {
	return min(c.tokens.Or(sealBit)&valueMask, Max), min(c.requests.Or(sealBit)&valueMask, Max)
}

// CopyFrom seals a cell and takes over its usage and its attempts half way.
func (c *Cell) CopyFrom(old *Cell) {
	c.tokens.Store(old.tokens.Or(sealBit) &^ sealBit)
	c.requests.Store(old.requests.Or(sealBit) &^ sealBit)
}
