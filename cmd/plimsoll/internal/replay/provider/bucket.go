package provider

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// buckets is a rule of two token buckets: what was used comes back bit by bit.
type buckets struct{ requests, tokens bucket }

// NewBucket returns a rule of buckets that hold a minute's limit and fill up
// evenly within a minute. A call's request and input tokens have to be in them
// when it is admitted and are taken out, its output tokens when it ends, be they
// there or not: a bucket may be in debt. A refused call takes nothing;
// Retry-After is when the call would fit, or the time to a full bucket if it
// never does.
func NewBucket(d Deployment) Rule {
	return &buckets{newBucket(d.RPM), newBucket(d.TPM)}
}

// Charge implements [Rule].
func (b *buckets) Charge(r trace.Request) int64 { return r.Input }

// Admit implements [Rule].
func (b *buckets) Admit(now time.Time, r trace.Request) (retryAfter time.Duration, ok bool) {
	b.requests.fill(now)
	b.tokens.fill(now)
	if wait := max(b.requests.wait(1), b.tokens.wait(r.Input)); wait > 0 {
		return wholeSeconds(wait), false
	}
	b.requests.level--
	b.tokens.level -= float64(r.Input)
	return 0, true
}

// End implements [Rule].
func (b *buckets) End(now time.Time, r trace.Request) {
	b.tokens.fill(now)
	b.tokens.level -= float64(r.Output)
}

// State implements [Rule].
func (b *buckets) State(now time.Time) State {
	b.requests.fill(now)
	b.tokens.fill(now)
	return State{b.requests.account(), b.tokens.account()}
}

// bucket is one limit. Its level is a float: what comes back in a nanosecond is
// no whole token.
type bucket struct {
	limit int64 // as of [Deployment]
	level float64
	at    time.Time // of level
}

func newBucket(limit int64) bucket { return bucket{limit: limit, level: float64(max(0, limit))} }

// crumb is what sums of floats may be off by.
const crumb = 1e-6

func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.level = min(float64(max(0, b.limit)), b.level+float64(max(0, b.limit))*now.Sub(b.at).Minutes())
	}
	b.at = now
}

// wait returns how long until n fit; 0 if they do.
func (b *bucket) wait(n int64) time.Duration {
	missing := float64(n) - b.level
	switch {
	case b.limit == 0 || missing <= crumb:
		return 0
	case b.limit < 0:
		return time.Minute
	case n > b.limit:
		return max(time.Second, b.full())
	}
	return b.takes(missing)
}

// full returns how long until the bucket is full.
func (b *bucket) full() time.Duration {
	if b.limit <= 0 {
		return 0
	}
	return b.takes(float64(b.limit) - b.level)
}

// takes returns how long it takes until that much has come back.
func (b *bucket) takes(n float64) time.Duration {
	return time.Duration(math.Ceil(max(0, n-crumb) / float64(b.limit) * float64(time.Minute)))
}

func (b *bucket) account() Account {
	return Account{Limit: b.limit, Left: int64(math.Floor(b.level + crumb)), Reset: b.full()}
}
