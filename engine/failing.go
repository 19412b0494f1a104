package engine

import "time"

// A deployment that fails costs nothing, so by usage alone it looks the least used and
// every request goes there first. Its failure rate is therefore added to the ratio of
// its ranking key, in units of utilization: a deployment that fails every call ranks
// like one whose limits are used up, with limits and without. The rate ranks only: no
// admission, [State], report or count knows of it.
const (
	failureUnit = 1 << ratioFraction // a rate of 1
	// Each outcome moves the rate by a part of what is left: failures faster, so that a
	// deployment that fails every other call stands at about two thirds.
	failureShift = 2 // a quarter
	weakShift    = 3 // an eighth
	successShift = 3
	// leastFailure is the rate below which it is 0.
	leastFailure = failureUnit / 64
	// failureHalfLife is how long a rate takes to fall to half by itself. It falls at
	// once at its end, so that keys only change when a group is looked at.
	failureHalfLife = int64(10 * time.Second)
)

// blame adds a failure to the rate. Under the mutex of the handle's group, like all
// that changes it.
func (h *handle) blame(now int64, shift uint) {
	r := h.failing.Load()
	if r == 0 || h.failUntil == 0 {
		h.failUntil = now + failureHalfLife
	}
	h.failing.Store(r + (failureUnit-r)>>shift)
}

// absolve adds a success to the rate, and reports whether it has fallen.
func (h *handle) absolve() bool {
	r := h.failing.Load()
	if r == 0 {
		return false
	}
	h.setFailing(r - r>>successShift)
	return true
}

// forget lets the rate fall for the time that has passed, and reports whether it has.
func (h *handle) forget(now int64) bool {
	if h.failUntil == 0 || now < h.failUntil {
		return false
	}
	halves := (now-h.failUntil)/failureHalfLife + 1
	h.failUntil += halves * failureHalfLife
	h.setFailing(h.failing.Load() >> min(halves, 31))
	return true
}

func (h *handle) setFailing(r uint32) {
	if r < leastFailure {
		r, h.failUntil = 0, 0
	}
	h.failing.Store(r)
}

// failed returns the ratio of a cell's key with its failure rate. LowestTPM ranks by
// tokens: there the rate is a part of the limit, or of a typical one.
func (v *view) failed(i int, ratio uint64) uint64 {
	if !v.failing.Load() {
		return ratio
	}
	return min(ratio, ratioMax) + uint64(v.handles[i].failing.Load())
}

// failedTokens is failed for LowestTPM.
func (v *view) failedTokens(i int, tokens uint64) uint64 {
	if !v.failing.Load() {
		return tokens
	}
	const typical = 1 << 20
	h := v.handles[i]
	limit := uint64(typical)
	if inv := v.inverses[i].tokens; inv != 0 {
		limit = min(1<<63/inv, limit)
	}
	return tokens + limit*uint64(h.failing.Load())>>ratioFraction
}

// markFailing says whether a deployment of the view has a failure rate.
func (v *view) markFailing() {
	some := false
	for _, h := range v.handles {
		some = some || h.failing.Load() != 0
	}
	v.failing.Store(some)
}
