package fake

import (
	"math"
	"sync"
	"time"
)

// A Rule is how a provider enforces its limits. Cost is in tokens.
type Rule interface {
	// take counts a request that fits. For one that does not, it says how long that
	// lasts and whether it is for the tokens.
	take(now time.Time, cost float64) (wait time.Duration, tokens, ok bool)
	// adjust adds to the tokens that were counted, below zero too.
	adjust(now time.Time, tokens float64)
	// left returns what remains of requests and tokens, the limit on tokens, and the
	// time until all is there again.
	left(now time.Time) (requests, tokens, limit float64, reset time.Duration)
}

// Bucket is OpenAI's rule: requests and tokens each flow back continuously, a
// minute's worth a minute.
func Bucket(rpm, tpm float64) Rule { return &bucket{rpm: rpm, tpm: tpm} }

type bucket struct {
	mu               sync.Mutex
	rpm, tpm         float64
	requests, tokens float64 // used
	at               time.Time
}

func (b *bucket) flow(now time.Time) {
	if d := now.Sub(b.at).Minutes(); d > 0 {
		b.requests = math.Max(b.requests-d*b.rpm, 0)
		b.tokens = math.Max(b.tokens-d*b.tpm, 0)
		b.at = now
	}
}

func (b *bucket) take(now time.Time, cost float64) (time.Duration, bool, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flow(now)
	if over := b.tokens + cost - b.tpm; over > 0 {
		return minutes(over / b.tpm), true, false
	}
	if over := b.requests + 1 - b.rpm; over > 0 {
		return minutes(over / b.rpm), false, false
	}
	b.requests++
	b.tokens += cost
	return 0, false, true
}

func (b *bucket) adjust(now time.Time, tokens float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flow(now)
	b.tokens = math.Max(b.tokens+tokens, 0)
}

func (b *bucket) left(now time.Time) (requests, tokens, limit float64, reset time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flow(now)
	return b.rpm - b.requests, b.tpm - b.tokens, b.tpm, minutes(math.Max(b.tokens/b.tpm, b.requests/b.rpm))
}

func minutes(f float64) time.Duration { return time.Duration(math.Ceil(f * float64(time.Minute))) }

// Minute is a counter of requests and tokens that begins anew each minute, phase
// after the clock's.
func Minute(rpm, tpm float64, phase time.Duration) Rule {
	return &windows{rpm: rpm, tpm: tpm, phase: phase, slice: time.Minute}
}

// Azure is Azure OpenAI's rule: tokens as by Minute, requests in slices of 10 s.
func Azure(rpm, tpm float64, phase time.Duration) Rule {
	return &windows{rpm: rpm, tpm: tpm, phase: phase, slice: 10 * time.Second}
}

type windows struct {
	mu               sync.Mutex
	rpm, tpm         float64
	phase, slice     time.Duration
	requests, tokens float64
	minute, part     time.Time // in which they were counted
}

func (w *windows) turn(now time.Time) (untilSlice, untilMinute time.Duration) {
	at := now.Add(-w.phase)
	minute, part := at.Truncate(time.Minute), at.Truncate(w.slice)
	if !minute.Equal(w.minute) {
		w.minute, w.tokens = minute, 0
	}
	if !part.Equal(w.part) {
		w.part, w.requests = part, 0
	}
	return part.Add(w.slice).Sub(at), minute.Add(time.Minute).Sub(at)
}

func (w *windows) perSlice() float64 { return w.rpm * w.slice.Minutes() }

func (w *windows) take(now time.Time, cost float64) (time.Duration, bool, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slice, minute := w.turn(now)
	if w.tokens+cost > w.tpm {
		return minute, true, false
	}
	if w.requests+1 > w.perSlice() {
		return slice, false, false
	}
	w.requests++
	w.tokens += cost
	return 0, false, true
}

func (w *windows) adjust(now time.Time, tokens float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now)
	w.tokens = math.Max(w.tokens+tokens, 0)
}

func (w *windows) left(now time.Time) (requests, tokens, limit float64, reset time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, minute := w.turn(now)
	return w.perSlice() - w.requests, w.tpm - w.tokens, w.tpm, minute
}
