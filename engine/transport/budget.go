package transport

import (
	"sync"
	"sync/atomic"
	"time"
)

// Retries of calls on which a provider may have worked are bounded, because each of them can
// double the load of a failing provider and the cost of a call. A group earns one retry
// by retryEvery of its calls, and one by each retryPause, so that a group with few calls has
// some. It saves at most retryMost. Calls that are in flight when a deployment begins to fail
// fail together: for them a group has retryBurst more, which it earns again by calls once it
// has saved retryMost. Hence of n calls in a time t at most
// n/retryEvery + t/retryPause + retryBurst + 1 are tried twice.
const (
	retryEvery = 10
	retryPause = 10 * time.Second
	retryMost  = 100
	retryBurst = 100
)

// budget is the retries that a group has, in 1/retryEvery.
type budget struct {
	parts atomic.Int64
	burst atomic.Int64

	mu    sync.Mutex
	since time.Time // parts for the time before were given
}

func newBudget(now time.Time) *budget {
	b := &budget{since: now}
	b.parts.Store(retryEvery)
	b.burst.Store(retryBurst * retryEvery)
	return b
}

// earn adds what one call earns.
func (b *budget) earn() {
	switch { // a lost or doubled part does no harm
	case b.parts.Load() < retryMost*retryEvery:
		b.parts.Add(1)
	case b.burst.Load() < retryBurst*retryEvery:
		b.burst.Add(1)
	}
}

// spend takes a retry, and reports whether there was one. Known is set if the deployment was
// known to fail before it was chosen.
func (b *budget) spend(known bool, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !known && takeRetry(&b.burst) {
		return true
	}
	const part = retryPause / retryEvery
	if n := int64(now.Sub(b.since) / part); n > 0 {
		b.since = b.since.Add(time.Duration(n) * part)
		b.parts.Add(min(n, max(retryMost*retryEvery-b.parts.Load(), 0)))
	}
	return takeRetry(&b.parts)
}

func takeRetry(parts *atomic.Int64) bool {
	if parts.Load() < retryEvery {
		return false
	}
	parts.Add(-retryEvery)
	return true
}
